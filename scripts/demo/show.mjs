/** What the demo prints, and the one place where it runs didiff as a user would. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { styleText } from 'node:util';

const PROGRAM = resolve('dist/cli/main.js');
const isPlain = !process.stdout.isTTY || process.env.NO_COLOR !== undefined;
const style = (how, text) => (isPlain ? text : styleText(how, text));
let mismatches = 0;

export function title(text) {
  console.log(`\n${style('bold', text)}`);
}

export function say(text) {
  console.log(`  ${text}`);
}

export function formatBytes(count) {
  return count < 1000
    ? `${count} B`
    : count < 1e6
      ? `${(count / 1e3).toFixed(1)} kB`
      : `${(count / 1e6).toFixed(2)} MB`;
}

/** Prints whether two values are the same, and remembers when they aren't. */
export function compare(what, found, expected) {
  const same = found === expected;
  if (!same) mismatches += 1;
  const mark = same ? style('green', '✓') : style('red', '✗');
  const text = isDigest(found) && same ? found.slice(0, 19) : found;
  say(`${mark} ${what.padEnd(22)} ${text}${same ? '' : `, expected ${expected}`}`);
}

export function countMismatches() {
  return mismatches;
}

function isDigest(value) {
  return typeof value === 'string' && value.startsWith('sha256:');
}

/** Runs didiff in `directory`, shows command and output, and gives its exit code. */
export async function didiff(directory, ...args) {
  console.log(`  ${style('cyan', `$ didiff ${args.join(' ')}`)}`);
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => output.push(piece));
  const exitCode = await new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  for (const line of Buffer.concat(output).toString().trimEnd().split('\n')) say(`  ${style('dim', line)}`);
  return exitCode;
}
