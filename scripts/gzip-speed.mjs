/**
 * Prints the table of speeds of docs/gzip.md: how fast blobs are re-created, beside the encoders themselves on the same
 * bytes, in the same run, in MB of plain bytes per second of CPU. Each is run twice and the better one counts.
 * Usage, after a build: node scripts/gzip-speed.mjs FILE [MEGABYTES]. What is not installed is left out.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel, goLegacy, goModern, pgzip, pigz, zlib } from '../dist/deflate/engines.js';

const [path, megabytes = '24'] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: node scripts/gzip-speed.mjs FILE [MEGABYTES]');
const directory = mkdtempSync(join(tmpdir(), 'didiff-speed-'));
const input = join(directory, 'input');
const plain = readBeginning(path, Number(megabytes) * 1e6);
writeFileSync(input, plain);

const PYTHON = `import sys, zlib
c = zlib.compressobj(int(sys.argv[1]), zlib.DEFLATED, 31)
with open(sys.argv[2], 'rb') as plain:
    while piece := plain.read(65536): c.compress(piece)
c.flush()`;
const GO = (name) => `package main
import ("io"; "os"; "strconv"; gzip "${name}")
func main() {
  level, _ := strconv.Atoi(os.Args[1])
  plain, _ := os.Open(os.Args[2])
  w, _ := gzip.NewWriterLevel(io.Discard, level)
  ${name.endsWith('pgzip') ? 'w.SetConcurrency(1<<20, 1)' : ''}
  io.Copy(w, plain)
  w.Close()
}`;

try {
  console.log('| encoder | level | re-created | itself | ratio |\n|---|--:|--:|--:|--:|');
  rows('Go up to 1.26', [1, 6, 9], goLegacy, buildGo('compress/gzip', /^go1\.(\d|1\d|2[0-6])(\D|$)/));
  const compress = buildGo('github.com/klauspost/compress/gzip');
  rows('klauspost/compress', [1, 2, 3, 5, 6], (level) => goModern(level, 0), compress);
  rows('pgzip, on one core', [5], (level) => pgzip(level, 0, 1 << 20), buildGo('github.com/klauspost/pgzip'));
  rows(
    'zlib',
    [1, 6, 9],
    (level) => zlib(level, 0),
    (level) => ['python3', '-c', PYTHON, level, input],
  );
  rows(
    'GNU gzip',
    [1, 6, 9],
    (level) => zlib(level, 2),
    (level) => ['gzip', '-nc', `-${level}`, input],
  );
  const onOneCore = (level) => ['pigz', '-nc', '-p', '1', `-${level}`, input];
  rows('pigz, on one core', [6], (level) => pigz(level, 0, 1 << 17, 0), onOneCore);
} finally {
  rmSync(directory, { recursive: true });
}

function rows(name, levels, engineOf, commandOf) {
  for (const level of levels) {
    const ours = Math.min(recreate(engineOf(level)), recreate(engineOf(level)));
    const command = commandOf?.(String(level));
    const theirs = command && Math.min(secondsOf(command) ?? Infinity, secondsOf(command) ?? Infinity);
    const native = theirs === undefined || theirs === Infinity ? undefined : theirs;
    const speed = (seconds) => `${(plain.length / 1e6 / seconds).toFixed(1)} MB/s`;
    const cells = native === undefined ? ['–', '–'] : [speed(native), (native / ours).toFixed(2)];
    console.log(`| ${name} | ${level} | ${speed(ours)} | ${cells.join(' | ')} |`);
  }
}

/** Seconds of CPU to re-create what the engine makes of the input. */
function recreate(engine) {
  const before = process.cpuUsage();
  const model = createModel(engine, () => {}, new Uint8Array(0));
  for (let at = 0; at < plain.length; at += 1 << 16) model.write(plain.subarray(at, at + (1 << 16)));
  model.finish();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Seconds of CPU of a command; undefined when it can't be run. */
function secondsOf(command) {
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>/dev/null';
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const [user, system] = stderr.trim().split(' ').map(Number);
  return user + system;
}

/** The command of a Go program with this package; undefined when Go, the package or such a release is not there. */
function buildGo(name, release = /./) {
  const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  if (version.status !== 0 || !release.test(version.stdout)) return undefined;
  const binary = join(directory, name.replaceAll('/', '-'));
  writeFileSync(`${binary}.go`, GO(name));
  const env = { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH: '/usr/share/gocode' };
  try {
    execFileSync('go', ['build', '-o', binary, `${binary}.go`], { env, stdio: 'pipe' });
  } catch {
    return undefined;
  }
  return (level) => [binary, level, input];
}

function readBeginning(from, mostBytes) {
  const file = openSync(from, 'r');
  const bytes = Buffer.alloc(mostBytes);
  const count = readSync(file, bytes, 0, mostBytes, 0);
  closeSync(file);
  return bytes.subarray(0, count);
}
