import type { ComponentChildren } from "preact";
import { Dialog } from "./dialog";
import { destinations } from "./keyboard";

export function Help({ onClose }: { onClose: () => void }) {
  const keys: [ComponentChildren, string][] = [
    [<kbd>/</kbd>, "to the filter of the page"],
    [
      <>
        <kbd>j</kbd> <kbd>k</kbd>
      </>,
      "to the next or previous row",
    ],
    [<kbd>Enter</kbd>, "open the row"],
    [<kbd>x</kbd>, "select the row"],
    [<kbd>Esc</kbd>, "close a dialog or the message beside the list; leave a field"],
    [<kbd>?</kbd>, "this help"],
  ];
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <div class="dialog-body help">
        <dl>
          {keys.map(([key, text]) => (
            <div key={text}>
              <dt>{key}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        <h3>Go to</h3>
        <dl>
          {Object.entries(destinations).map(([key, [, title]]) => (
            <div key={key}>
              <dt>
                <kbd>g</kbd> <kbd>{key}</kbd>
              </dt>
              <dd>{title}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}
