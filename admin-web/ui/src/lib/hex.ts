export interface HexRow {
  offset: string;
  hex: string;
  text: string;
}

/** Sixteen bytes a row, as hexdump -C writes them. */
export function hexRows(data: Uint8Array, rowsMax: number): HexRow[] {
  const rows: HexRow[] = [];
  for (let start = 0; start < data.length && rows.length < rowsMax; start += 16) {
    const part = Array.from(data.subarray(start, start + 16));
    const cells = part.map((byte) => byte.toString(16).padStart(2, "0"));
    rows.push({
      offset: start.toString(16).padStart(8, "0"),
      hex: `${cells.slice(0, 8).join(" ").padEnd(23)}  ${cells.slice(8).join(" ").padEnd(23)}`,
      text: part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join(""),
    });
  }
  return rows;
}

export function bytesOfBase64(base64: string): Uint8Array {
  const text = atob(base64);
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export function bytesOfText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function base64OfBytes(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}
