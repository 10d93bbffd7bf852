/** What the documents say is what the code does. `DIDIFF_UPDATE_DOCS=1` writes the generated blocks anew. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DidiffError } from '../src/errors.ts';
import { openPatchReader } from '../src/patch/reader.ts';
import { getBlock, readTable, replaceBlock } from './docs/blocks.ts';
import { decodePatch, digest } from './docs/decoder.ts';
import { buildExample, EXAMPLE_BASE, EXAMPLE_TARGET } from './docs/example.ts';
import { bytesOfFileBlock, explainExample } from './docs/explain.ts';
import { baseOf, makeCase, PATCH_CASES } from './docs/patches.ts';

const FORMAT = 'docs/format.md';
const UPDATE = process.env['DIDIFF_UPDATE_DOCS'] === '1';
/** The version that the example's bytes were made with. */
const EXAMPLE_BROTLI = '1.1.0';

describe('the example of docs/format.md', () => {
  it('is what the code makes', async () => {
    const patch = await buildExample();
    if (process.versions['brotli'] !== EXAMPLE_BROTLI) return;
    for (const [name, text] of await explainExample(patch, EXAMPLE_BASE)) {
      if (UPDATE) replaceBlock(getBlock(FORMAT, name), text);
      expect(getBlock(FORMAT, name).text).toBe(text);
    }
  });

  it('holds every byte of a patch that makes the target', async () => {
    const patch = bytesOfFileBlock(getBlock(FORMAT, 'example-file').text);
    const base = { tars: new Map([[digest(EXAMPLE_BASE), EXAMPLE_BASE]]), blobs: new Map() };
    const { layers } = await decodePatch(patch, base);
    expect(Buffer.compare(layers[0]!.tar, EXAMPLE_TARGET)).toBe(0);
  });
});

describe('the example, with any byte changed or its end cut off', () => {
  const base = { tars: new Map([[digest(EXAMPLE_BASE), EXAMPLE_BASE]]), blobs: new Map() };
  const example = bytesOfFileBlock(getBlock(FORMAT, 'example-file').text);

  it('is refused by both decoders', async () => {
    const inOne = async function* (bytes: Uint8Array) {
      yield bytes;
    };
    for (const [at, byte] of example.entries()) {
      const changed = Uint8Array.from(example);
      changed[at] = byte ^ (1 << (at % 8));
      for (const damaged of [changed, example.subarray(0, at)]) {
        await expect(decodePatch(damaged, base)).rejects.toThrow();
        const reading = openPatchReader(inOne(damaged)).then((patch) => patch.finish());
        await expect(reading).rejects.toThrow(DidiffError);
      }
    }
  });
});

describe('a decoder written from docs/format.md alone', () => {
  const opsSeen = new Set<string>();
  const blobsSeen = new Set<string>();

  it.each(PATCH_CASES)('gets the target from a patch of $name', async (each) => {
    const patch = await makeCase(each);
    const decoded = await decodePatch(patch, baseOf(each.base), ({ name }) => opsSeen.add(name));
    expect(decoded.documents.get('config')).toEqual(Buffer.from(each.target.config.bytes));
    expect(decoded.documents.has('manifest')).toBe(each.form === 'oci');
    expect(decoded.documents.has('index')).toBe(each.index !== undefined);
    for (const [position, { tar, blob }] of each.target.layers.entries()) {
      const found = decoded.layers[position]!;
      expect(Buffer.compare(found.tar, tar)).toBe(0);
      const from = decoded.header.target.layers[position]!.blob?.from;
      blobsSeen.add(String(from));
      const isMade = from !== undefined && from !== 'recipe' && from !== 'none';
      expect(found.blob === undefined).toBe(!isMade);
      if (isMade) expect(Buffer.compare(found.blob!, blob.bytes)).toBe(0);
    }
  });

  it('has met every op and every source of a blob', async () => {
    // Repeats take megabytes of new bytes to be worth anything: the example has one all the same.
    const example = bytesOfFileBlock(getBlock(FORMAT, 'example-file').text);
    const base = { tars: new Map([[digest(EXAMPLE_BASE), EXAMPLE_BASE]]), blobs: new Map() };
    await decodePatch(example, base, ({ name }) => opsSeen.add(name));
    expect([...opsSeen].sort()).toEqual([
      'binary',
      'digest',
      'executable',
      'header',
      'part',
      'region',
      'repeat',
      'text',
    ]);
    const sources = ['base', 'carried', 'copies', 'none', 'recipe', 'tar', 'undefined'];
    expect([...blobsSeen].sort()).toEqual(sources);
  });
});

describe('docs/architecture.md', () => {
  const path = 'docs/architecture.md';

  it('has the table of layers that the import check enforces', () => {
    const script = readFileSync('scripts/check-imports.mjs', 'utf8');
    const literal = /const LAYERS = (\{.*?\n\});/s.exec(script)![1]!;
    const layers = new Function(`return ${literal}`)() as Record<string, string[]>;
    const rows = readTable(path, 'Layers').map(([folder, , imports]) => [
      folder!.replaceAll('`', ''),
      imports === '' ? [] : imports!.split(', '),
    ]);
    expect(rows).toEqual(Object.entries(layers));
  });

  it('names files and folders that are there', () => {
    const text = readFileSync(path, 'utf8');
    const files = [...text.matchAll(/`((?:[a-z]+\/)+[a-z-]+\.(?:ts|mjs))`/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(20);
    const missing = files.filter((file) => !existsSync(`src/${file}`) && !existsSync(file));
    expect(missing).toEqual([]);
  });
});
