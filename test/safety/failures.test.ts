/** The real program where it can't do its work: the code, the words and the hint of each failure, and nothing left behind. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../src/index.ts';
import { buildProgram, type Finished } from '../fixtures/built-program.ts';
import { buildImage } from '../fixtures/images.ts';
import { expectImage, makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { largePair } from './pair.ts';

const workshop = openWorkshop();
const program = buildProgram();
const { base, target } = largePair(200_000);
const baseReference = writeFixture(workshop, 'docker-archive', base);
const targetReference = writeFixture(workshop, 'docker-archive', target);
const patch = workshop.newPath('app.didiff');
const TEMP = ['--temp-dir', workshop.tempDirectory];

beforeAll(async () => {
  await makePatch(workshop, baseReference, targetReference, patch);
});

describe('what can not be', () => {
  const apply = (...more: readonly string[]) => program.run([...TEMP, '--json', 'apply', ...more]);
  const out = () => `docker-archive:${workshop.newPath('result.tar')}`;
  const codeOf = ({ stderr }: Finished): string => JSON.parse(stderr).error.code;

  const expectFailure = (finished: Finished, code: keyof typeof EXIT_CODES, message: RegExp): void => {
    expect(finished.stdout).toBe('');
    expect([codeOf(finished), finished.code]).toEqual([code, EXIT_CODES[code]]);
    expect(JSON.parse(finished.stderr).error.message).toMatch(message);
    expect(readdirSync(workshop.tempDirectory)).toEqual([]);
  };

  test('a patch that is not there', async () => {
    expectFailure(
      await apply('/no/such/patch', '--base', baseReference, '--to', out()),
      'NOT_FOUND',
      /\/no\/such\/patch/,
    );
  });

  test('a patch that is a directory', async () => {
    expectFailure(await apply(workshop.directory, '--to', out()), 'STORAGE', /is a directory/);
  });

  test('a base that is not there', async () => {
    expectFailure(
      await apply(patch, '--base', '/no/base.tar', '--to', out()),
      'NOT_FOUND',
      /\/no\/base\.tar/,
    );
  });

  test('the wrong base, with what it has instead and what to do', async () => {
    const wrong = writeFixture(workshop, 'oci', buildImage({ seed: 9, layers: [{}] }));
    const destination = out();
    const finished = await apply(patch, '--base', wrong, '--to', destination);
    expectFailure(finished, 'BASE_MISMATCH', /is not the base of this patch: it lacks layers .* \(it has /);
    expect(JSON.parse(finished.stderr).error.hint).toContain('--base');
    expect(existsSync(destination.slice('docker-archive:'.length))).toBe(false);
  });

  test('no engine to find the base in', async () => {
    expectFailure(await apply(patch, '--to', out()), 'UNREACHABLE', /there\/is\/no\/engine/);
  });

  test('an output that is a directory', async () => {
    const path = workshop.newPath('taken');
    mkdirSync(path);
    expectFailure(
      await apply(patch, '--base', baseReference, '--to', `docker-archive:${path}`),
      'STORAGE',
      /taken|directory/,
    );
    expect(readdirSync(dirname(path))).toEqual(['taken']);
  });

  test('an output folder that is not there', async () => {
    const path = join(workshop.newPath('none'), 'result.tar');
    expectFailure(
      await apply(patch, '--base', baseReference, '--to', `docker-archive:${path}`),
      'NOT_FOUND',
      /none/,
    );
  });

  test.skipIf(process.getuid?.() === 0)('an output folder that may not be written', async () => {
    const path = workshop.newPath('result.tar');
    chmodSync(dirname(path), 0o555);
    expectFailure(
      await apply(patch, '--base', baseReference, '--to', `docker-archive:${path}`),
      'STORAGE',
      /EACCES/,
    );
  });

  test.skipIf(!existsSync('/sys/kernel'))('a file system that takes no files', async () => {
    const finished = await apply(
      patch,
      '--base',
      baseReference,
      '--to',
      'docker-archive:/sys/kernel/result.tar',
    );
    expectFailure(finished, 'STORAGE', /EACCES|EPERM|EROFS/);
  });

  test('a create whose output folder is not there, or is a directory itself', async () => {
    const create = (path: string) =>
      program.run([...TEMP, '--json', 'create', baseReference, targetReference, path]);
    const finished = await create(join(workshop.newPath('none'), 'p'));
    // Before any work was done: that may take minutes.
    expect(finished.progress).toEqual([]);
    expectFailure(finished, 'NOT_FOUND', /none/);
    const path = workshop.newPath('taken');
    mkdirSync(path);
    expectFailure(await create(path), 'STORAGE', /taken|directory/);
    expect(readdirSync(dirname(path))).toEqual(['taken']);
  });
});

describe('the older form with three words', () => {
  const apply = (id: string, path: string) =>
    program.run([...TEMP, '--json', 'apply', baseReference, id, patch, '--to', `docker-archive:${path}`]);

  test.each([
    ['the whole ID', target.config.digest],
    ['the ID without its algorithm', target.config.digest.slice(7)],
    ['a prefix', target.config.digest.slice(7, 19)],
  ])('takes %s', async (_, id) => {
    const path = workshop.newPath('result.tar');
    const { code, stdout } = await apply(id, path);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: target.config.digest, wasThere: false });
    await expectImage(workshop, `docker-archive:${path}`, target);
    rmSync(path);
  });

  test.each([
    ['another image', base.config.digest],
    ['a prefix that is too short', target.config.digest.slice(7, 10)],
  ])('refuses %s before anything is read', async (_, id) => {
    const path = workshop.newPath('result.tar');
    const { code, stderr } = await apply(id, path);
    expect(code).toBe(2);
    expect(JSON.parse(stderr).error.message).toMatch(/does not lead to .*: it makes .*sha256:/);
    expect(existsSync(path)).toBe(false);
  });
});

test('errors name the file: one that is cut, one that is no patch, a place that is not there', async () => {
  const short = workshop.newPath('short.didiff');
  writeFileSync(short, readFileSync(patch).subarray(0, -1));
  const other = workshop.newPath('other.didiff');
  writeFileSync(other, 'text');
  const nowhere = join(workshop.newPath('none'), 'result.didiff');
  const cut = await program.run([...TEMP, 'check', short, '--base', baseReference]);
  expect(cut).toMatchObject({ code: 7, stderr: expect.stringContaining(`didiff: ${short} is cut off:`) });
  const foreign = await program.run([...TEMP, 'inspect', other]);
  expect(foreign).toMatchObject({
    code: 7,
    stderr: expect.stringContaining(`didiff: ${other} is not a didiff patch`),
  });
  const lost = await program.run([...TEMP, 'create', baseReference, targetReference, nowhere]);
  expect(lost).toMatchObject({
    code: 4,
    stderr: expect.stringContaining(`there is no directory ${dirname(nowhere)} in which`),
  });
});

test('a patch is taken from standard input', async () => {
  const path = workshop.newPath('result.tar');
  const args = [...TEMP, 'apply', '-', '--base', baseReference, '--to', `docker-archive:${path}`];
  expect(await program.run(args, { input: readFileSync(patch) })).toMatchObject({ code: 0 });
  await expectImage(workshop, `docker-archive:${path}`, target);
  const cut = await program.run(args, { input: readFileSync(patch).subarray(0, -1) });
  expect(cut.code).toBe(7);
  expect(cut.stderr).toMatch(/^didiff: the patch on standard input is cut off: it ends at byte \d+/);
  await expectImage(workshop, `docker-archive:${path}`, target);
});
