/**
 * Shows how far a long action is: a line redrawn on a terminal, plain lines, or JSON lines. Draws at most ten times a
 * second whatever comes in, and can always take its line back, so that nothing is ever printed behind it.
 */
import { formatBytes, formatDuration, formatRate, printable } from './format.ts';
import { displayWidth, truncateMiddle } from './width.ts';

export const PROGRESS_MODES = ['auto', 'plain', 'json', 'none'] as const;
export type ProgressMode = (typeof PROGRESS_MODES)[number];

/** How far an action is, as the library reports it. */
export interface ProgressEvent {
  readonly phase: string;
  readonly doneBytes: number;
  readonly totalBytes?: number | undefined;
}

/** What is drawn: an event, and what was measured of its phase. */
export interface ProgressView extends ProgressEvent {
  /** Undefined until there is something to go by. */
  readonly bytesPerSecond?: number | undefined;
}

/** Where progress goes: standard error, or what stands for it. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal; absent where it isn't one. */
  readonly columns?: number | undefined;
}

export interface ProgressReporter {
  report(event: ProgressEvent): void;
  /** Takes the line away, if one is drawn, before something else is printed. */
  clear(): void;
  /** Ends the last phase: prints what throttling held back, and takes the line away. */
  end(): void;
}

const REDRAW_MS = 100;
const PLAIN_MS = 3000;
/** The rate is that of the last seconds: an average of all time would hide that a connection stalls. */
const RATE_WINDOW_MS = 5000;
const DEFAULT_COLUMNS = 80;

/** `now` gives milliseconds that only grow. */
export function openProgress(
  mode: Exclude<ProgressMode, 'auto'> | 'line',
  stream: TextStream,
  now: () => number,
): ProgressReporter {
  if (mode === 'none') return { report() {}, clear() {}, end() {} };
  const intervalMs = mode === 'plain' ? PLAIN_MS : REDRAW_MS;
  let rate = startRate();
  let last: ProgressView | undefined;
  let drawnMs = Number.NEGATIVE_INFINITY;
  let isHeldBack = false;
  let isLineDrawn = false;

  function draw(view: ProgressView, nowMs: number): void {
    drawnMs = nowMs;
    isHeldBack = false;
    if (mode === 'json') stream.write(`${formatJson(view)}\n`);
    else if (mode === 'plain') stream.write(`${formatPlain(view)}\n`);
    else {
      // One less than the width: a full line would make some terminals go on to the next.
      stream.write(`\r${formatLine(view, (stream.columns ?? DEFAULT_COLUMNS) - 1)}\x1b[K`);
      isLineDrawn = true;
    }
  }

  /** The last state of a phase is always told, except on the line, where it would only flicker. */
  function endPhase(): void {
    if (last !== undefined && isHeldBack && mode !== 'line') draw(last, now());
    last = undefined;
    rate = startRate();
  }

  function clear(): void {
    if (isLineDrawn) stream.write('\r\x1b[K');
    isLineDrawn = false;
  }

  return {
    report(event) {
      const nowMs = now();
      const isNewPhase = last === undefined || last.phase !== event.phase;
      if (isNewPhase) endPhase();
      last = { ...event, bytesPerSecond: rate(event.doneBytes, nowMs) };
      isHeldBack = true;
      // Plain lines and JSON tell each phase's start; a line on a terminal keeps its pace.
      const isDue = nowMs - drawnMs >= intervalMs || (isNewPhase && mode !== 'line');
      if (isDue) draw(last, nowMs);
    },
    clear,
    end() {
      endPhase();
      clear();
    },
  };
}

/** Measures a rate: given bytes done so far and the time, answers bytes per second over the last seconds. */
function startRate(): (doneBytes: number, nowMs: number) => number | undefined {
  const samples: { bytes: number; ms: number }[] = [];
  return (doneBytes, nowMs) => {
    const newest = samples.at(-1);
    if (newest !== undefined && doneBytes < newest.bytes) samples.length = 0;
    if (newest === undefined || samples.length === 0 || nowMs - newest.ms >= REDRAW_MS) {
      samples.push({ bytes: doneBytes, ms: nowMs });
    }
    while (samples.length > 2 && nowMs - samples[1]!.ms >= RATE_WINDOW_MS) samples.shift();
    const oldest = samples[0]!;
    const elapsedMs = nowMs - oldest.ms;
    return elapsedMs < 500 ? undefined : ((doneBytes - oldest.bytes) * 1000) / elapsedMs;
  };
}

/** `reading layers  45%  12.3 MB / 27.0 MB  5.10 MB/s  3 s left`, in at most `width` characters. */
export function formatLine(view: ProgressView, width: number): string {
  const details = describe(view);
  const phase = printable(view.phase).replaceAll(/[\n\t]/g, ' ');
  const least = Math.min(displayWidth(phase), 12);
  // What matters least stands last, and goes first when there is no room.
  while (details.length > 0 && least + details.join('  ').length + 2 > width) details.pop();
  const tail = details.length === 0 ? '' : `  ${details.join('  ')}`;
  return `${truncateMiddle(phase, width - tail.length)}${tail}`;
}

/** The same for a log: never cut. */
export function formatPlain(view: ProgressView): string {
  return `${printable(view.phase).replaceAll(/[\n\t]/g, ' ')}: ${describe(view).join(', ')}`;
}

/** One object per line; `bytesPerSecond` and `totalBytes` only where they are known. */
export function formatJson(view: ProgressView): string {
  const { phase, doneBytes, totalBytes, bytesPerSecond } = view;
  return JSON.stringify({
    progress: {
      phase,
      doneBytes,
      totalBytes,
      bytesPerSecond: bytesPerSecond === undefined ? undefined : Math.round(bytesPerSecond),
    },
  });
}

function describe({ doneBytes, totalBytes, bytesPerSecond }: ProgressView): string[] {
  const details: string[] = [];
  if (totalBytes !== undefined && totalBytes > 0) {
    // 100% is said only when it is true; more than that never.
    const percent = Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
    details.push(`${percent}%`, `${formatBytes(doneBytes)} / ${formatBytes(totalBytes)}`);
  } else details.push(formatBytes(doneBytes));
  if (bytesPerSecond !== undefined && doneBytes !== totalBytes) {
    details.push(formatRate(bytesPerSecond));
    const left = totalBytes === undefined ? 0 : totalBytes - doneBytes;
    if (left > 0 && bytesPerSecond > 0) details.push(`${formatDuration(left / bytesPerSecond)} left`);
  }
  return details;
}
