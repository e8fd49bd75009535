import { options, type VNode } from "preact";
import { written } from "../lib/inert";

const attributes = ["title", "aria-label", "placeholder", "label"] as const;

function writtenChildren(children: unknown): unknown {
  if (typeof children === "string") return written(children);
  return Array.isArray(children) ? children.map(writtenChildren) : children;
}

/** Every text that is drawn goes through `written`: one place, which no page can forget. Values of fields stay as they are. */
export function writeOutUnseen(): void {
  const before = options.vnode;
  options.vnode = (vnode: VNode) => {
    const props = vnode.props as Record<string, unknown>;
    if (props !== null && typeof props === "object") {
      if (props.children !== undefined) props.children = writtenChildren(props.children);
      for (const name of attributes) if (typeof props[name] === "string") props[name] = written(props[name]);
    }
    before?.(vnode);
  };
}
