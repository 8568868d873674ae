/** Our own line icons on a grid of 24; decorative, since a label stands beside each or names its button. */
const PATHS = {
  overview: 'M4 4h7v9H4zM13.5 4H20v5.5h-6.5zM13.5 12H20v8h-6.5zM4 15.5h7V20H4z',
  usage: 'M4 20h16M7 20v-7M12 20V5M17 20v-11',
  requests: 'M8.5 6H20M8.5 12H20M8.5 18H20M4 6h.01M4 12h.01M4 18h.01',
  live: 'M3 12h4l3-8 4 16 3-8h4',
  keys: 'M14.5 9.5 21 3M17.5 6.5l2.5 2.5M16 13a5 5 0 1 1-10 0 5 5 0 0 1 10 0z',
  providers: 'M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4',
  pipeline: 'M4 4h6v6H4zM14 14h6v6h-6zM10 7h4.5A2.5 2.5 0 0 1 17 9.5V14',
  playground: 'M4 5h16v11H11l-5 4v-4H4zM8.5 9h7M8.5 12h4',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4',
  pouch:
    'M8.5 8 7 4.5c2 1 3-.7 5-.7s3 1.7 5 .7L15.5 8M8.5 8h7c2.5 2 4 4.7 4 7.2 0 3.3-2.3 5.3-7.5 5.3s-7.5-2-7.5-5.3c0-2.5 1.5-5.2 4-7.2z',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  search: 'M20 20l-4.5-4.5M17.5 11a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0z',
  copy: 'M9 9h11v11H9zM5.5 15H4V4h11v1.5',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  warning: 'M12 4 2.8 20h18.4zM12 10v4.5M12 17.3v.01',
  error: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM12 7.5v5.5M12 16.2v.01',
  info: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM12 11v5.5M12 7.8v.01',
  down: 'M6 9.5l6 6 6-6',
  right: 'M9.5 6l6 6-6 6',
  left: 'M14.5 6l-6 6 6 6',
  up: 'M6 14.5l6-6 6 6',
  more: 'M12 5.5v.01M12 12v.01M12 18.5v.01',
  sun: 'M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M18.4 5.6l-1.1 1.1M6.7 17.3l-1.1 1.1',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  leave: 'M14 4H5v16h9M10 12h11M17.5 8.5 21 12l-3.5 3.5',
  refresh: 'M20 11a8 8 0 0 0-14.5-3.5L4 9M4 4.5V9h4.5M4 13a8 8 0 0 0 14.5 3.5L20 15M20 19.5V15h-4.5',
  trash: 'M4 7h16M9.5 7V4h5v3M6.5 7l1 13h9l1-13M10.5 11v5M13.5 11v5',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.5v15l12-7.5z',
  stop: 'M6 6h12v12H6z',
  pencil: 'M4 20l.8-4L16 4.8 19.2 8 8 19.2zM13.5 7.3l3.2 3.2',
  rotate: 'M20 12a8 8 0 1 1-2.5-5.8L20 8.5M20 4v4.5h-4.5',
  undo: 'M4 9h10a5.5 5.5 0 0 1 0 11h-4M4 9l4.5-4.5M4 9l4.5 4.5',
  download: 'M12 4v11M7 10.5l5 5 5-5M4.5 20h15',
  upload: 'M12 16V5M7 9.5l5-5 5 5M4.5 20h15',
  filter: 'M4 6h16M7 12h10M10 18h4',
  clock: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM12 7v5.5l3.5 2',
  snow: 'M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9M9.5 4.5 12 7l2.5-2.5M9.5 19.5 12 17l2.5 2.5',
  send: 'M4 12l16-8-5 16-3.5-6.5zM11.5 13.5 20 4',
  external: 'M13.5 4H20v6.5M20 4l-9 9M10 5H4.5v14.5H19V14',
  lock: 'M5.5 11h13v9.5h-13zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({
  name,
  size = 16,
  class: cls = '',
}: {
  name: IconName;
  size?: number;
  class?: string;
}) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width={name === 'more' ? 2.6 : 1.75}
      stroke-linecap="round"
      stroke-linejoin="round"
      class={`shrink-0 ${cls}`}
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
