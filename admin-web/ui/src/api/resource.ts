import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isCancelled, request } from "./client";

export interface Resource<T> {
  data: T | null;
  etag: string | null;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
  replace: (data: T, etag: string | null) => void;
}

interface Held {
  target: string;
  data: unknown;
  etag: string | null;
}

// What was shown last under a target, so that going back shows it at once while it is asked for again.
const remembered = new Map<string, Held>();
const rememberedMax = 40;

export function forgetAll(): void {
  remembered.clear();
}

function remember(held: Held): void {
  remembered.delete(held.target);
  remembered.set(held.target, held);
  if (remembered.size > rememberedMax) remembered.delete(remembered.keys().next().value!);
}

/** What is at `target` (null: nothing yet), asked for again every `refreshMs` while the page is seen. */
export function useResource<T>(target: string | null, refreshMs = 0): Resource<T> {
  const [held, setHeld] = useState<Held | null>(null);
  const [error, setError] = useState<{ target: string; error: ApiError } | null>(null);
  const [loading, setLoading] = useState(target !== null);
  const [turn, setTurn] = useState(0);
  const current = useRef(target);
  current.current = target;

  useEffect(() => {
    if (target === null) return;
    const controller = new AbortController();
    setLoading(true);
    request<T>("GET", target, { signal: controller.signal }).then(
      (answer) => {
        const next = { target, data: answer.data, etag: answer.etag };
        remember(next);
        setHeld(next);
        setError(null);
        setLoading(false);
      },
      (failure) => {
        if (isCancelled(failure)) return;
        setError({
          target,
          error: failure instanceof ApiError ? failure : new ApiError(0, "unknown", "Something went wrong", String(failure)),
        });
        setLoading(false);
      },
    );
    return () => controller.abort();
  }, [target, turn]);

  useEffect(() => {
    if (target === null || refreshMs === 0) return;
    const timer = setInterval(() => {
      if (!document.hidden) setTurn((value) => value + 1);
    }, refreshMs);
    return () => clearInterval(timer);
  }, [target, refreshMs]);

  const reload = useCallback(() => setTurn((value) => value + 1), []);
  const replace = useCallback((data: T, etag: string | null) => {
    if (current.current === null) return;
    const next = { target: current.current, data, etag };
    remember(next);
    setHeld(next);
  }, []);

  const shown = held?.target === target ? held : target !== null ? (remembered.get(target) ?? null) : null;
  const failure = error?.target === target ? error.error : null;
  return { data: (shown?.data as T) ?? null, etag: shown?.etag ?? null, error: failure, loading, reload, replace };
}
