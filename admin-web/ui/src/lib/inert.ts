// Text that others have written (names, properties, reasons) can hold characters that one does not see, or that turn the text around them
// round (U+202E), so that a name looks like another one. They are written out wherever the console shows text.

const ranges = [
  "\\u{0}-\\u{8}\\u{b}\\u{c}\\u{e}-\\u{1f}\\u{7f}-\\u{9f}", // controls but tab, line feed and carriage return
  "\\u{ad}\\u{180e}\\u{200b}-\\u{200d}\\u{2028}\\u{2029}\\u{2060}-\\u{2064}\\u{feff}\\u{fff9}-\\u{fffb}\\u{e0000}-\\u{e007f}", // not seen
  "\\u{61c}\\u{200e}\\u{200f}\\u{202a}-\\u{202e}\\u{2065}-\\u{206f}", // turn text round
];
const unseen = new RegExp(`[${ranges.join("")}]`, "gu");

/** The text with each such character as "\u202E", which can be typed as well. */
export function written(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.codePointAt(0)!.toString(16).toUpperCase();
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}
