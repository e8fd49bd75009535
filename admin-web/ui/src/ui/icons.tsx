// Drawn for this console, on a grid of 16, in the colour of the text around them.

const paths = {
  overview: "M2 9h3l2-6 3 10 2-4h2",
  queue: "M2.5 4h11M2.5 8h11M2.5 12h7",
  transaction: "M4 2.5v11M4 5h5a3 3 0 0 1 3 3v5.5M9.5 11l2.5 2.5 2.5-2.5",
  connection: "M6 10l4-4M7 4.5l1-1a3 3 0 0 1 4.5 4.5l-1 1M9 11.5l-1 1a3 3 0 0 1-4.5-4.5l1-1",
  consumer: "M13.5 8H5M8 4.5L4.5 8 8 11.5M2 3v10",
  producer: "M2.5 8H11M8 4.5L11.5 8 8 11.5M14 3v10",
  selector: "M2 3h12l-4.5 5.5V13l-3-1.5v-3z",
  operation: "M8 2.5a5.5 5.5 0 1 0 5.5 5.5M8 5v3l2 1.5",
  user: "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.5 13.5a5.5 5.5 0 0 1 11 0",
  permission: "M8 2l5 2v4c0 3-2.2 5-5 6-2.8-1-5-3-5-6V4zM6 8l1.5 1.5L10.2 6.6",
  role: "M2.5 4.5h11v7h-11zM5 7.5h2M5 9.5h4",
  audit: "M4 2h6l2.5 2.5V14H4zM6 7h4.5M6 9.5h4.5M6 12h2.5",
  configuration: "M3 4.5h6M12 4.5h1M3 11.5h1M7 11.5h6M10.5 3v3M5.5 10v3",
  certificate: "M8 9.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM6 9v5l2-1.2L10 14V9",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3",
  close: "M4 4l8 8M12 4l-8 8",
  plus: "M8 3v10M3 8h10",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.5l7 4.5-7 4.5z",
  trash: "M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  left: "M10 4L6 8l4 4",
  right: "M6 4l4 4-4 4",
  download: "M8 2.5v8M5 8l3 3 3-3M3 13.5h10",
  copy: "M5.5 5.5h7v8h-7zM10 5V2.5H3.5v8H5",
  move: "M2.5 8h10M9 4.5L12.5 8 9 11.5",
  retry: "M3 8a5 5 0 1 1 1.6 3.7M3 13v-2.5h2.5",
  send: "M2.5 8L13.5 3l-3.5 10.5-2.5-4zM7.5 9.5l6-6.5",
  sun:
    "M8 10.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5z" +
    "M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M3.4 12.6l1.1-1.1M11.5 4.5l1.1-1.1",
  moon: "M13 9.5A5.5 5.5 0 1 1 6.5 3a4.5 4.5 0 0 0 6.5 6.5z",
  auto: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
  warning: "M8 2.5l6 10.5H2zM8 6.5v3M8 11.2v.1",
  check: "M3 8.5l3 3 7-7",
  lock: "M4 7.5h8v6H4zM5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2",
  help: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM6.4 6.4a1.65 1.65 0 1 1 2.3 1.5c-.5.2-.7.6-.7 1.1M8 11v.1",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  out: "M6 3H3v10h3M7 8h7M11 5l3 3-3 3",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7M13 3v2.5h-2.5",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
