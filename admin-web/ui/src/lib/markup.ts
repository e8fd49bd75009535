// Pretty XML and JSON as lines of tokens, which the page shows as text nodes: nothing here ever becomes HTML.

export type TokenKind = "tag" | "attribute" | "value" | "text" | "comment" | "key" | "string" | "number" | "word" | "mark";
export interface Token {
  kind: TokenKind;
  text: string;
}
export interface Line {
  depth: number;
  tokens: Token[];
}

/** Past so many lines the browser gets slow, and nobody reads on. */
const linesMax = 20_000;

/** null if the text is not JSON. Numbers keep the digits that they were sent with: amounts must not be rounded to a double. */
export function prettyJson(text: string): Line[] | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|-?\d[\d.eE+-]*|true|false|null/g) ?? [];
  const lines: Line[] = [];
  let depth = 0;
  let line: Line = { depth, tokens: [] };
  const end = () => {
    if (line.tokens.length > 0) lines.push(line);
    line = { depth, tokens: [] };
  };
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (token === "{" || token === "[") {
      line.tokens.push({ kind: "mark", text: token });
      if (next === "}" || next === "]") return;
      depth++;
      end();
    } else if (token === "}" || token === "]") {
      const previous = tokens[index - 1];
      if (previous !== "{" && previous !== "[") {
        depth--;
        end();
        line.depth = depth;
      }
      line.tokens.push({ kind: "mark", text: token });
    } else if (token === ",") {
      line.tokens.push({ kind: "mark", text: "," });
      end();
    } else if (token === ":") {
      line.tokens.push({ kind: "mark", text: ": " });
    } else {
      line.tokens.push({ kind: jsonKind(token, next), text: token });
    }
  });
  end();
  return lines.slice(0, linesMax);
}

function jsonKind(token: string, next: string | undefined): TokenKind {
  if (token.startsWith('"')) return next === ":" ? "key" : "string";
  return /^[-\d]/.test(token) ? "number" : "word";
}

interface Piece {
  kind: "open" | "close" | "empty" | "text" | "other";
  name: string;
  text: string;
}

const xmlPiece =
  /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[[^]*?\]\]>|<!(?:[^<>"']|"[^"]*"|'[^']*')*>|<\/?[^\s<>/=]+(?:[^<>"']|"[^"]*"|'[^']*')*>|[^<]+/y;

/** null if the text is not XML whose tags match; then it is shown as it is. Entities stay as they were written. */
export function prettyXml(text: string): Line[] | null {
  const pieces = xmlPieces(text.trim());
  if (pieces === null) return null;
  const lines: Line[] = [];
  let depth = 0;
  for (let index = 0; index < pieces.length && lines.length < linesMax; index++) {
    const piece = pieces[index]!;
    const next = pieces[index + 1];
    const afterNext = pieces[index + 2];
    if (piece.kind === "open" && next?.kind === "close") {
      lines.push({ depth, tokens: [...tagTokens(piece.text), ...tagTokens(next.text)] });
      index += 1;
    } else if (piece.kind === "open" && next?.kind === "text" && afterNext?.kind === "close") {
      lines.push({ depth, tokens: [...tagTokens(piece.text), { kind: "text", text: next.text }, ...tagTokens(afterNext.text)] });
      index += 2;
    } else {
      if (piece.kind === "close") depth--;
      lines.push({ depth, tokens: pieceTokens(piece) });
      if (piece.kind === "open") depth++;
    }
  }
  return lines;
}

function xmlPieces(text: string): Piece[] | null {
  const pieces: Piece[] = [];
  const open: string[] = [];
  xmlPiece.lastIndex = 0;
  while (xmlPiece.lastIndex < text.length) {
    const match = xmlPiece.exec(text);
    if (!match) return null;
    const piece = pieceOf(match[0]);
    if (piece.kind === "text" && piece.text.trim() === "") continue;
    if (piece.kind === "text" && open.length === 0) return null;
    if (piece.kind === "open") open.push(piece.name);
    if (piece.kind === "close" && open.pop() !== piece.name) return null;
    pieces.push(piece);
  }
  const hasElement = pieces.some((piece) => piece.kind === "open" || piece.kind === "empty");
  return open.length === 0 && hasElement ? pieces : null;
}

function pieceOf(text: string): Piece {
  if (!text.startsWith("<")) return { kind: "text", name: "", text };
  if (text.startsWith("<![CDATA[")) return { kind: "text", name: "", text };
  if (text.startsWith("<!") || text.startsWith("<?")) return { kind: "other", name: "", text };
  const name = /^<\/?([^\s<>/]+)/.exec(text)?.[1] ?? "";
  if (text.startsWith("</")) return { kind: "close", name, text };
  return { kind: text.endsWith("/>") ? "empty" : "open", name, text };
}

function pieceTokens(piece: Piece): Token[] {
  if (piece.kind === "text") return [{ kind: "text", text: piece.text }];
  if (piece.kind === "other") return [{ kind: "comment", text: piece.text }];
  return tagTokens(piece.text);
}

function tagTokens(tag: string): Token[] {
  const head = /^<\/?[^\s<>/]+/.exec(tag)![0];
  const tokens: Token[] = [{ kind: "tag", text: head }];
  const rest = tag.slice(head.length);
  for (const match of rest.matchAll(/(\s+)([^\s=>/]+)(\s*=\s*)("[^"]*"|'[^']*')|(\s*\/?>)|([^"'>]+)/g)) {
    if (match[2] !== undefined) {
      tokens.push({ kind: "attribute", text: ` ${match[2]}` }, { kind: "mark", text: "=" }, { kind: "value", text: match[4]! });
    } else {
      tokens.push({ kind: "tag", text: (match[5] ?? match[6] ?? "").replace(/\s+/g, " ") });
    }
  }
  return tokens;
}
