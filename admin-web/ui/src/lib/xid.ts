// The parts of an XID, "format:gtrid:bqual" with the two qualifiers in hexadecimal (X/Open XA, 4.2).

export interface XidPart {
  hex: string;
  bytes: number;
  /** What the bytes say if all of them are printable ASCII, else null. */
  text: string | null;
}
export interface DecodedXid {
  formatId: number;
  gtrid: XidPart;
  bqual: XidPart;
}

export function decodeXid(xid: string): DecodedXid | null {
  const match = /^(-?\d+):([0-9A-Fa-f]+):([0-9A-Fa-f]*)$/.exec(xid);
  if (!match) return null;
  return { formatId: Number(match[1]), gtrid: part(match[2]!), bqual: part(match[3]!) };
}

function part(hex: string): XidPart {
  const bytes = hex.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [];
  const printable = bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return { hex: hex.toLowerCase(), bytes: bytes.length, text: printable ? String.fromCharCode(...bytes) : null };
}

/** What has to be typed before a decision: enough of the end of the XID to tell branches of one transaction apart. */
export function xidEnding(xid: string): string {
  return xid.slice(-8);
}
