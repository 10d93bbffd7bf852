/** Threads as the compiled program starts them: the patch is the same with any number of them, and nothing is left. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildProgram } from '../fixtures/built-program.ts';
import { buildImage } from '../fixtures/images.ts';
import { openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { programVersions } from '../predict/versions.ts';
import { edited, file, layer } from '../scenarios/scenario.ts';

const program = buildProgram();
const workshop = openWorkshop();

/** Enough to be worth threads: new text, a file of several windows that moved, an executable. */
function versions(): readonly [base: string, target: string] {
  const large = seededBytes(1, 9 << 20);
  const text = seededText(2, 300_000);
  const [old, next] = programVersions('x86-64');
  const layers = (isNext: boolean) => [
    layer(
      file('bin/x', isNext ? next : old),
      file(isNext ? 'lib/moved' : 'usr/large', isNext ? edited(large, { 77: 1, 5000000: 2 }) : large),
      ...Array.from({ length: 40 }, (_, at) =>
        file(`text/${at}`, Buffer.concat([seededText(at + (isNext ? 1000 : 0), 20_000), text])),
      ),
    ),
  ];
  const image = (isNext: boolean) => {
    const built = buildImage({ seed: 1, label: isNext ? 'next' : 'old', layers: layers(isNext) });
    return writeFixture(workshop, 'docker-archive', built);
  };
  return [image(false), image(true)];
}

test('the patch is the same with any number of threads, and no scratch file is left', {
  timeout: 300_000,
}, async () => {
  const [base, target] = versions();
  for (const effort of [3, 6]) {
    let alone: Buffer | undefined;
    for (const threads of [1, 2, 3]) {
      const path = workshop.newPath('patch');
      const scratch = workshop.newPath('scratch');
      mkdirSync(scratch);
      const args = ['create', base, target, path, '--effort', `${effort}`, '--threads', `${threads}`];
      const done = await program.run([...args, '--memory', '1GB', '--temp-dir', scratch]);
      expect([done.code, done.stderr]).toEqual([0, '']);
      expect(readdirSync(scratch)).toEqual([]);
      const patch = readFileSync(path);
      alone ??= patch;
      expect(Buffer.compare(patch, alone)).toBe(0);
    }
  }
});

test('an interrupt while threads are at work ends the program at once', { timeout: 300_000 }, async () => {
  const [base, target] = versions();
  const path = workshop.newPath('patch');
  const done = await program.run(['create', base, target, path, '--threads', '3', '--memory', '1GB'], {
    onProgress: (line, child) => {
      if (line.includes('matching')) child.kill('SIGINT');
    },
  });
  expect(done.code).not.toBe(0);
  expect(() => readFileSync(path)).toThrow();
});

test('too little memory is refused by name', async () => {
  const done = await program.run(['create', 'x', 'y', 'z', '--memory', 'much']);
  expect(done.code).not.toBe(0);
  expect(done.stderr).toContain('"much"');
});
