/** Layers of 60 MB and more as programs and runtimes compress them: all come back from a recipe of some dozen bytes. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPieces } from '../../src/bytes/access.ts';
import { openFile } from '../../src/bytes/file.ts';
import { findRecipe } from '../../src/deflate/find.ts';
import { recreateBlob } from '../../src/deflate/recreate.ts';
import { openWorkshop, type Workshop } from '../fixtures/patching.ts';
import { openGoOracle } from './go-oracle.ts';
import { TIMEOUT_MS, testWith } from './large-images.ts';
import { writeLargeTars } from './large-layer.ts';

// Both write to their output; level 9, their default, would take these tests four times as long.
const PYTHON_GZIP = `
import gzip, shutil, sys
with open(sys.argv[1], 'rb') as plain, gzip.GzipFile('layer.tar', 'wb', 6, sys.stdout.buffer) as blob:
    shutil.copyfileobj(plain, blob)
`;
const PYTHON_TAR = `
import sys, tarfile
with tarfile.open(sys.argv[1]) as source, tarfile.open(None, 'w:gz', sys.stdout.buffer, compresslevel=6) as layer:
    for member in source:
        layer.addfile(member, source.extractfile(member) if member.isreg() else None)
`;
const JAVA = `
import java.io.*;
import java.util.zip.GZIPOutputStream;
public class Layer {
  public static void main(String[] args) throws IOException {
    try (InputStream plain = new FileInputStream(args[0]);
         OutputStream blob = new GZIPOutputStream(System.out)) {
      plain.transferTo(blob);
    }
  }
}
`;

describe('a large layer is brought back exactly when it was compressed by', () => {
  const workshop = openWorkshop();
  const go = openGoOracle('compress/gzip');
  let tar: string;
  beforeAll(() => {
    tar = writeLargeTars(workshop.directory).target;
  });
  afterAll(() => go?.close());

  testWith(['gzip'], 'gzip', () => expectRecipe(workshop, tar, ['gzip', '-c', tar], /^GNU gzip, level 6$/));

  testWith(['pigz'], 'pigz', () =>
    expectRecipe(
      workshop,
      tar,
      ['pigz', '-c', '-p', '2', tar],
      /^pigz with zlib, level 6, blocks of 128 KiB$/,
    ),
  );

  testWith(['python3'], 'Python’s gzip', () =>
    expectRecipe(workshop, tar, ['python3', '-c', PYTHON_GZIP, tar], /^zlib, level 6$/),
  );

  testWith(['python3'], 'Python’s tarfile', async () => {
    // It writes headers of its own, so the plain bytes are its, too.
    const own = workshop.newPath('own.tar');
    const blob = workshop.newPath('blob');
    writeOutput(['python3', '-c', PYTHON_TAR, tar], blob);
    writeOutput(['gzip', '-dc', blob], own);
    await expectExact(own, blob, /^zlib, level 6$/);
  });

  testWith(['java'], 'Java’s GZIPOutputStream', () => {
    const program = workshop.newPath('Layer.java');
    writeFileSync(program, JAVA);
    return expectRecipe(workshop, tar, ['java', program, tar], /^zlib, level 6$/);
  });

  test.skipIf(go === undefined)(
    'a Go program at the level of crane, ko and kaniko',
    { timeout: TIMEOUT_MS },
    async () => {
      const plain = readFileSync(tar);
      const blob = workshop.newPath('blob');
      writeFileSync(blob, go!.gzip(plain, 1, [plain.length]));
      await expectExact(tar, blob, /^Go .*, level 1$/);
    },
  );
});

async function expectRecipe(
  workshop: Workshop,
  tar: string,
  command: readonly string[],
  encoder: RegExp,
): Promise<void> {
  const blob = workshop.newPath('blob');
  writeOutput(command, blob);
  await expectExact(tar, blob, encoder);
}

/** Runs a command that writes a blob to its output. */
function writeOutput([program = '', ...args]: readonly string[], path: string): void {
  const output = openSync(path, 'w');
  try {
    execFileSync(program, args, { stdio: ['ignore', output, 'pipe'] });
  } finally {
    closeSync(output);
  }
}

/** The recipe that is found, followed without a look at the blob, gives the blob. */
async function expectExact(tar: string, blob: string, encoder: RegExp): Promise<void> {
  const [plain, compressed] = [openFile(tar), openFile(blob)];
  try {
    expect(plain.sizeBytes).toBeGreaterThan(60 << 20);
    const found = await findRecipe(compressed, plain);
    expect(found?.model).toMatch(encoder);
    expect(found!.correctionsBytes).toBe(0);
    expect(found!.recipe.length).toBeLessThanOrEqual(60);
    const [ours, theirs] = [createHash('sha256'), createHash('sha256')];
    for await (const piece of recreateBlob(found!.recipe, readPieces(plain))) ours.update(piece);
    for (const piece of readPieces(compressed)) theirs.update(piece);
    expect(ours.digest('hex')).toBe(theirs.digest('hex'));
  } finally {
    plain.close();
    compressed.close();
  }
}
