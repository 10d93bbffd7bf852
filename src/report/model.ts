/**
 * Where bytes go, as data: what `diff`, `estimate` and `inspect` have in common, and all that a report's page shows.
 * Sizes are in bytes; texts are as images have them, and are made safe where they are shown.
 */

/** A file and what it costs. */
export interface FileCost {
  /** From the root, with a slash in front. */
  readonly path: string;
  /** What is counted: what the file takes in the patch, or of the difference. */
  readonly bytes: number;
  readonly sizeBytes: number;
  /** An index into `kinds`. */
  readonly kind: number;
  /** More about how: `was /old/path`, `mode 0644 → 0755`. */
  readonly detail?: string;
}

/** A part of a bar. */
export interface BarPart {
  readonly label: string;
  readonly bytes: number;
  /** Which of the page's six colours. */
  readonly colour: number;
}

/** A row of a bar chart: a layer, or a way to transfer the image. */
export interface Bar {
  readonly label: string;
  readonly parts: readonly BarPart[];
}

/** What to change in a build. */
export interface Advice {
  /** For programs: `times-only`, `caches`, … */
  readonly id: string;
  readonly title: string;
  /** What was found, and what to do. */
  readonly text: string;
  /** What it would save, in the unit of the report. */
  readonly savesBytes: number;
  readonly pathCount: number;
  /** Some of the paths that show it. */
  readonly paths: readonly string[];
}

export interface Report {
  /** `Differences between app:1.0 and app:1.1`. */
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What the bytes of a file are: `Size of files that differ`. */
  readonly measure: string;
  /** Six at most. */
  readonly kinds: readonly string[];
  readonly files: readonly FileCost[];
  readonly barsTitle: string;
  readonly bars: readonly Bar[];
  readonly advice: readonly Advice[];
}
