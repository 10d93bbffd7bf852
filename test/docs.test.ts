/** What the documents say is what the code does. `DIDIFF_UPDATE_DOCS=1` writes the generated blocks anew. */
import { existsSync, readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DidiffError } from '../src/errors.ts';
import { inspectBundle } from '../src/inspect/bundle.ts';
import { openAnyPatch } from '../src/patch/bundle.ts';
import { openPatchReader } from '../src/patch/reader.ts';
import { getBlock, readTable, replaceBlock } from './docs/blocks.ts';
import { decodeBundle } from './docs/bundle.ts';
import { decodePatch, digest, readSections } from './docs/decoder.ts';
import { buildExample, EXAMPLE_BASE, EXAMPLE_TARGET } from './docs/example.ts';
import { bytesOfFileBlock, explainExample } from './docs/explain.ts';
import { baseOf, makeBundleFile, makeCase, PATCH_CASES } from './docs/patches.ts';
import type { FixtureIndex, LayerSpec } from './fixtures/images.ts';
import { inPieces } from './fixtures/patching.ts';
import { releaseIndex, sharedLayer } from './fixtures/platforms.ts';

/** Stored as its tar, as the decoder follows no recipes. */
const plain = (layer: LayerSpec): LayerSpec => ({ ...layer, compression: 'none' });

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

describe('a decoder of bundles, written from docs/format.md alone', () => {
  const bases = (index: FixtureIndex) => new Map(index.images.map((image, entry) => [entry, baseOf(image)]));
  const base = releaseIndex(1, undefined, () => plain(sharedLayer(1)));
  const target = releaseIndex(2, ['linux/amd64', 'linux/arm64', 'linux/arm/v7'], () => plain(sharedLayer(2)));
  let bundle: Uint8Array;

  it('gets everything that the index names', async () => {
    bundle = await makeBundleFile(base, target);
    const { index, others, images } = await decodeBundle(bundle, bases(base));
    expect(Buffer.compare(index, target.index.bytes)).toBe(0);
    for (const { config, manifest, layers } of target.attestations)
      for (const { digest: name, bytes } of [config, manifest, ...layers.map(({ blob }) => blob)])
        expect(Buffer.compare(others.get(name)!, bytes)).toBe(0);
    for (const [entry, image] of target.images.entries())
      for (const [position, { tar, blob }] of image.layers.entries()) {
        const found = images.get(entry)!.layers[position]!;
        expect(Buffer.compare(found.tar, tar)).toBe(0);
        if (found.blob !== undefined) expect(Buffer.compare(found.blob, blob.bytes)).toBe(0);
      }
  });

  it('refuses one that is cut off anywhere, as the reader does', async () => {
    const read = async (bytes: Uint8Array) => {
      const opened = await openAnyPatch(inPieces(bytes, 1000));
      if (opened.kind === 'patch') return await opened.reader.finish();
      await inspectBundle(opened.bundle, () => bytes.length);
    };
    await read(bundle);
    for (let size = 0; size < bundle.length; size += size < 3000 ? 37 : 1511) {
      await expect(read(bundle.subarray(0, size)), `cut at ${size}`).rejects.toThrow(DidiffError);
      await expect(decodeBundle(bundle.subarray(0, size), bases(base))).rejects.toThrow();
    }
    await expect(read(Buffer.concat([bundle, Buffer.from('x')]))).rejects.toThrow(/goes on after its end/);
  });

  it('refuses one with any byte changed, as the reader does', async () => {
    for (let at = 0; at < bundle.length; at += at < 3000 ? 59 : 4999) {
      const changed = Uint8Array.from(bundle);
      changed[at]! ^= 1 << (at % 8);
      const read = async () => {
        const opened = await openAnyPatch(inPieces(changed, 1000));
        if (opened.kind === 'patch') return await opened.reader.finish();
        await inspectBundle(opened.bundle, () => changed.length);
      };
      await expect(read(), `byte ${at}`).rejects.toThrow(DidiffError);
      // It decodes all layers before it comes to where the byte is.
      if (at < 1000) await expect(decodeBundle(changed, bases(base))).rejects.toThrow();
    }
  });

  it('has a file that readers of patches alone refuse by the name of the feature', async () => {
    await expect(decodePatch(bundle, { tars: new Map(), blobs: new Map() })).rejects.toThrow();
    const start = readSections(bundle, 1)[0]!;
    const { requires } = JSON.parse(new TextDecoder().decode(brotliDecompressSync(start.payload)));
    expect(requires).toEqual(['platforms-1']);
    await expect(openPatchReader(inPieces(bundle, 1000))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
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
