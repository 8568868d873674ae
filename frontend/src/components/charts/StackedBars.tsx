import { useEffect, useRef, useState } from 'preact/hooks';
import { shortDay } from '../../lib/days';
import { addUsd, roughly, usd } from '../../lib/money';

export type Series = { key: string; label: string; color: string };
export type Bar = {
  /** What stands below the bar: a day, unless `label` says how to write it. */
  x: string;
  /** USD by series. */
  values: Record<string, string>;
};

type Props = {
  title: string;
  rows: Bar[];
  series: Series[];
  height?: number;
  label?: (x: string) => string;
  /** The same in full, where there is room for it. */
  inWords?: (x: string) => string;
};

/** Room around the bars, in pixels. */
const EDGE = { top: 8, right: 2, bottom: 22, left: 52 };
const LABEL_PX = 56;
const BAR_PX_MAX = 30;
const TIP_PX = 192;

/** Amounts of USD in stacked bars, with a table of the same for those who cannot see them. */
export function StackedBars({ title, rows, series, height = 220, label = shortDay, inWords = label }: Props) {
  const [box, width] = useWidth();
  const [over, setOver] = useState<number | null>(null);
  const totals = rows.map((row) => addUsd(...series.map(({ key }) => row.values[key] ?? '0')));
  const { top, ticks } = scale(Math.max(0, ...totals.map(roughly)));
  const inner = {
    width: Math.max(1, width - EDGE.left - EDGE.right),
    height: height - EDGE.top - EDGE.bottom,
  };
  const step = inner.width / Math.max(1, rows.length);
  const y = (value: number) => EDGE.top + inner.height * (1 - value / top);
  // The newest bar has its label, which must not run over the edge.
  const every = Math.max(1, Math.ceil(LABEL_PX / step));
  const last = rows.length - 1;
  const point = (event: PointerEvent) => {
    const left = (event.currentTarget as Element).getBoundingClientRect().left + EDGE.left;
    const place = Math.floor((event.clientX - left) / step);
    setOver(place >= 0 && place < rows.length ? place : null);
  };
  const shown = over === null ? null : rows[over];
  return (
    <figure>
      <div ref={box} class="relative overflow-hidden" style={{ height: `${height}px` }}>
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={title}
          class="block"
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => setOver(null)}
        >
          {ticks.map((tick) => (
            <g key={tick}>
              <line
                x1={EDGE.left}
                x2={width - EDGE.right}
                y1={y(tick)}
                y2={y(tick)}
                stroke="var(--color-base-300)"
              />
              <text
                x={EDGE.left - 8}
                y={y(tick) + 4}
                text-anchor="end"
                class="muted num fill-current text-2xs"
              >
                {axis(tick)}
              </text>
            </g>
          ))}
          {over !== null && (
            <rect
              x={EDGE.left + over * step}
              y={EDGE.top}
              width={step}
              height={inner.height}
              class="fill-base-content/6"
            />
          )}
          {rows.map((row, place) => (
            <Stack
              key={row.x}
              row={row}
              series={series}
              x={EDGE.left + (place + 0.5) * step}
              width={Math.min(BAR_PX_MAX, Math.max(1, step * 0.7))}
              y={y}
            />
          ))}
          {rows.map((row, place) =>
            place % every === last % every ? (
              <text
                key={row.x}
                x={place === last && step < LABEL_PX ? width - EDGE.right : EDGE.left + (place + 0.5) * step}
                y={height - 5}
                text-anchor={place === last && step < LABEL_PX ? 'end' : 'middle'}
                class="muted fill-current text-2xs"
              >
                {label(row.x)}
              </text>
            ) : null,
          )}
        </svg>
        {shown && over !== null && (
          <div
            class="pointer-events-none absolute top-1 rounded-field border border-base-300 bg-base-100 px-3 py-2 text-xs shadow-lg"
            style={{ width: `${TIP_PX}px`, left: `${tipLeft(EDGE.left + over * step, step, width)}px` }}
          >
            <div class="flex justify-between gap-3 font-semibold">
              <span>{inWords(shown.x)}</span>
              <span class="num">{usd(totals[over] ?? '0')}</span>
            </div>
            {series.length > 1 &&
              [...series].reverse().map(({ key, label: name, color }) =>
                shown.values[key] ? (
                  <div key={key} class="mt-1 flex items-center gap-1.5">
                    <i class="size-2 shrink-0 rounded-xs" style={{ background: color }} />
                    <span class="min-w-0 flex-1 truncate">{name}</span>
                    <span class="num">{usd(shown.values[key])}</span>
                  </div>
                ) : null,
              )}
          </div>
        )}
      </div>
      {series.length > 1 && (
        <figcaption class="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-xs">
          {series.map(({ key, label: name, color }) => (
            <span key={key} class="flex min-w-0 items-center gap-1.5">
              <i class="size-2.5 shrink-0 rounded-xs" style={{ background: color }} aria-hidden="true" />
              <span class="truncate">{name}</span>
            </span>
          ))}
        </figcaption>
      )}
      <Table title={title} rows={rows} series={series} label={inWords} />
    </figure>
  );
}

type StackProps = { row: Bar; series: Series[]; x: number; width: number; y: (value: number) => number };

function Stack({ row, series, x, width, y }: StackProps) {
  let below = 0;
  return (
    <g>
      {series.map(({ key, color }) => {
        const value = roughly(row.values[key] ?? '0');
        if (value <= 0) return null;
        const from = y(below);
        below += value;
        // What is not nothing can be seen.
        const tall = Math.max(1, from - y(below));
        return (
          <rect
            key={key}
            x={x - width / 2}
            y={from - tall}
            width={width}
            height={tall}
            rx={1.5}
            fill={color}
          />
        );
      })}
    </g>
  );
}

/** In a box of its own, since a table that is clipped by itself still takes its room. */
const Table = ({
  title,
  rows,
  series,
  label,
}: Pick<Props, 'title' | 'rows' | 'series'> & { label: (x: string) => string }) => (
  <div class="sr-only">
    <table>
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          {series.map(({ key, label: name }) => (
            <th key={key} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.x}>
            <th scope="row">{label(row.x)}</th>
            {series.map(({ key }) => (
              <td key={key}>{usd(row.values[key] ?? '0')}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}

const tipLeft = (x: number, step: number, width: number) =>
  Math.max(0, x + step + 6 + TIP_PX > width ? x - TIP_PX - 6 : x + step + 6);

/** A round number at the top of the axis, and three to five lines up to it. */
export function scale(max: number): { top: number; ticks: number[] } {
  if (max <= 0) return { top: 1, ticks: [0] };
  const size = 10 ** Math.floor(Math.log10(max));
  const [top, lines] = (
    [
      [1, 4],
      [1.5, 3],
      [2, 4],
      [3, 3],
      [4, 4],
      [5, 5],
      [6, 3],
      [8, 4],
      [10, 5],
    ] as const
  )
    .map(([times, count]) => [times * size, count] as const)
    .find(([candidate]) => candidate >= max) ?? [10 * size, 5];
  return { top, ticks: Array.from({ length: lines + 1 }, (_, place) => (top * place) / lines) };
}

function axis(value: number): string {
  if (value === 0) return '$0';
  if (value >= 1000) return `$${(value / 1000).toPrecision(2).replace(/\.0$/, '')}k`;
  return `$${Number(value.toPrecision(2))}`;
}
