/** Writes image archives as `docker save` did: layers, then config and manifest, as only then are digests known. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { END_OF_ARCHIVE, encodeTarHeader, tarPadding } from '../dist/tar/encode.js';

const HEADER_BYTES = 512;

/**
 * Writes an archive of one image to `path`.
 * @param layers for each layer, what gives its tar as chunks of bytes, to its end
 */
export function writeImageArchive(path, layers, architecture = 'amd64') {
  const fd = openSync(path, 'w');
  let at = 0;
  const put = (bytes) => {
    for (let done = 0; done < bytes.length; )
      done += writeSync(fd, bytes, done, bytes.length - done, at + done);
    at += bytes.length;
  };
  const putFile = (name, bytes) => {
    put(encodeTarHeader({ path: name, sizeBytes: bytes.length }));
    put(bytes);
    put(new Uint8Array(tarPadding(bytes.length)));
  };
  const diffIds = layers.map((chunks, position) => {
    const start = at;
    // Its header is written again once the size is known.
    put(new Uint8Array(HEADER_BYTES));
    const hash = createHash('sha256');
    for (const chunk of chunks()) {
      hash.update(chunk);
      put(chunk);
    }
    const sizeBytes = at - start - HEADER_BYTES;
    put(new Uint8Array(tarPadding(sizeBytes)));
    writeSync(fd, encodeTarHeader({ path: layerPath(position), sizeBytes }), 0, HEADER_BYTES, start);
    return `sha256:${hash.digest('hex')}`;
  });
  const config = Buffer.from(
    JSON.stringify({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const configPath = `${createHash('sha256').update(config).digest('hex')}.json`;
  putFile(configPath, config);
  const manifest = {
    Config: configPath,
    RepoTags: ['bench/image:1'],
    Layers: layers.map((_, position) => layerPath(position)),
  };
  putFile('manifest.json', Buffer.from(JSON.stringify([manifest])));
  put(END_OF_ARCHIVE);
  closeSync(fd);
}

function layerPath(position) {
  return `layer-${position}/layer.tar`;
}
