/**
 * Layer tars of more than 60 MB of real content: files of this machine's own system, in an order and with headers
 * that are the same every time, and an application beside them that two versions of an image differ in.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerLikeBytes } from './plain.ts';

/** Programs, libraries and data in about the proportions of an image. */
const PARTS: readonly (readonly [directory: string, bytes: number])[] = [
  ['/usr/lib', 34 << 20],
  ['/usr/bin', 16 << 20],
  ['/usr/share', 12 << 20],
];
/** What is left of a part that a machine has too little of is taken from the others' rest. */
const LEAST_BYTES = 60 << 20;
const LARGEST_FILE = 2 << 20;
const VERSIONS = ['base', 'target'] as const;

export interface LargeTars {
  readonly base: string;
  readonly target: string;
}

/** Writes both tars into `directory`; gives their paths. */
export function writeLargeTars(directory: string): LargeTars {
  const list = join(directory, 'list');
  writeFileSync(list, chooseFiles().join('\0'));
  const [base, target] = VERSIONS.map((version) => writeTar(directory, list, version));
  return { base: base!, target: target! };
}

function writeTar(directory: string, list: string, version: (typeof VERSIONS)[number]): string {
  const app = join(directory, version, 'app');
  mkdirSync(app, { recursive: true });
  const isTarget = version === 'target';
  const records = layerLikeBytes(300_000, 7);
  if (isTarget) for (let at = 999; at < records.length; at += 10_007) records[at] = records[at]! ^ 1;
  writeFileSync(join(app, 'records'), records);
  writeFileSync(join(app, 'release'), `${version}\n`);
  if (isTarget) writeFileSync(join(app, 'more'), layerLikeBytes(40_000, 8));
  const path = join(directory, `${version}.tar`);
  const headers = [
    '--sort=name',
    '--mtime=@1700000000',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=a=rX',
  ];
  const files = ['-C', '/', '--no-recursion', '--null', '--files-from', list];
  execFileSync('tar', [
    '-cf',
    path,
    ...headers,
    ...files,
    '-C',
    join(directory, version),
    '--recursion',
    'app',
  ]);
  const { size } = statSync(path);
  if (size < LEAST_BYTES) throw new Error(`the files of this system make a layer of ${size} bytes only`);
  return path;
}

/** Paths without the leading slash, of files that can be read, sorted by their names' bytes. */
function chooseFiles(): readonly string[] {
  let owed = 0;
  return PARTS.flatMap(([part, bytes]) => {
    let left = bytes + owed;
    const chosen: string[] = [];
    for (const { path, size } of walk(part)) {
      if (left <= 0) break;
      left -= size;
      chosen.push(path.slice(1));
    }
    owed = Math.max(0, left);
    return chosen;
  });
}

function* walk(directory: string): Generator<{ path: string; size: number }> {
  const entries = readdirSync(directory, { withFileTypes: true });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && canRead(path)) {
      const { size } = statSync(path);
      if (size > 0 && size <= LARGEST_FILE) yield { path, size };
    }
  }
}

function canRead(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    readSync(file, new Uint8Array(1));
    closeSync(file);
    return true;
  } catch {
    return false;
  }
}
