import { brotliCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DidiffError } from '../errors.ts';
import { STREAM_BLOB } from './format.ts';
import { parseHeader } from './parse-header.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

/** A header of one layer, whose fields are `layer`'s. */
const payloadOf = (layer: object, end: Uint8Array = new Uint8Array(0)): Uint8Array => {
  const json = {
    writer: 'test',
    requires: [],
    memory: 0,
    base: { name: 'base', layers: [] },
    target: {
      name: 'target',
      platform: { os: 'linux', architecture: 'amd64' },
      documents: [{ role: 'config', mediaType: 'x', digest: digest('c'), size: 1 }],
      layers: [{ diffId: digest('a'), size: 100, from: 'delta', ...layer }],
    },
  };
  return Buffer.concat([brotliCompressSync(Buffer.from(JSON.stringify(json))), end]);
};

const blob = (from: string, fields: object = {}) => ({
  blob: { digest: digest('a'), size: 100, mediaType: 'x', from, ...fields },
});

const refusal = (layer: object, end?: Uint8Array): string => {
  try {
    parseHeader(payloadOf(layer, end));
  } catch (error) {
    expect(error).toBeInstanceOf(DidiffError);
    expect((error as DidiffError).code).toBe('CORRUPT_INPUT');
    return (error as DidiffError).message;
  }
  return 'taken';
};

describe('a header from anybody', () => {
  it('may say that a blob is the tar only of the same digest and size', () => {
    expect(refusal(blob('tar'))).toBe('taken');
    // Else an OCI layout would get, under the digest of one blob, the bytes of another.
    expect(refusal(blob('tar', { digest: digest('b') }))).toMatch(/another digest or size/);
    expect(refusal(blob('tar', { size: 99 }))).toMatch(/another digest or size/);
  });

  it('gives a stored stream one size only', () => {
    expect(refusal({ streams: [[0, 0, 5, 5, 0]] })).toBe('taken');
    expect(refusal({ streams: [[0, 0, 5, 6, 0]] })).toMatch(/stored, but not of the same size: 5 and 6/);
    expect(refusal({ streams: [[0, 1, 5, 6, 10]] })).toBe('taken');
  });

  it('carries blobs as they are', () => {
    const carried = { from: 'blob', ...blob('carried') };
    expect(refusal({ ...carried, streams: [[STREAM_BLOB, 0, 100, 100, 0]] })).toBe('taken');
    expect(refusal({ ...carried, streams: [[STREAM_BLOB, 1, 100, 90, 10]] })).toMatch(/with codec 1/);
  });

  it('makes a layer by ops or carries its blob, not both', () => {
    const streams = [[STREAM_BLOB, 0, 100, 100, 0]];
    expect(refusal({ ...blob('carried'), streams })).toMatch(/carries its blob as well/);
  });

  it('ends where its brotli data ends', () => {
    expect(refusal({}, Uint8Array.of(0))).toMatch(/goes on for 1 bytes after the end/);
  });
});
