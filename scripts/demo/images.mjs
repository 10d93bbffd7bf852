/**
 * The images of the demo, made of packages that `npm ci` has put into node_modules: two real releases of an
 * application on a shared layer of libraries, and the older one with a change of its own. The same on every machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildLayer, digestOf, filesBelow } from './layer.mjs';

const LIBRARIES = ['fast-check', 'pure-rand', 'commander', 'chai', 'vite'];
/** When each release came out, as seconds since 1970. */
const OLD_TIME = 1750809600;
const NEW_TIME = 1750982400;

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const ARCHITECTURES = { x64: 'amd64', ia32: '386' };

export function buildImages() {
  const libraries = LIBRARIES.flatMap((name) =>
    filesBelow(`node_modules/${name}`, `app/node_modules/${name}`),
  );
  const shared = buildLayer(libraries, OLD_TIME);
  const oldFiles = filesBelow('node_modules/prettier-old', 'app');
  const newFiles = filesBelow('node_modules/prettier-new', 'app');
  const hotfix = oldFiles.map(({ path, content }) => ({
    path,
    content: path.endsWith('/index.mjs')
      ? Buffer.concat([content, Buffer.from('// fixed by hand\n')])
      : content,
  }));
  return {
    old: imageOf([shared, buildLayer(oldFiles, OLD_TIME)], OLD_TIME),
    new: imageOf([shared, buildLayer(newFiles, NEW_TIME)], NEW_TIME),
    hotfix: imageOf([shared, buildLayer(hotfix, OLD_TIME)], OLD_TIME),
  };
}

function imageOf(layers, time) {
  const created = new Date(time * 1000).toISOString();
  const config = document({
    created,
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: { Entrypoint: ['node', '/app/bin/prettier.cjs'], WorkingDir: '/app' },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created, created_by: 'COPY' })),
  });
  const manifest = document({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.bytes.length },
    layers: layers.map(({ blob, digest }) => ({ mediaType: LAYER_TYPE, digest, size: blob.length })),
  });
  return { layers, config, manifest };
}

function document(value) {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, digest: digestOf(bytes) };
}

/**
 * The files of an OCI layout with these images, by path. `images`: `[name, image, annotations]`; the annotations come
 * beside the name.
 */
export function layoutFiles(images) {
  const files = new Map([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]]);
  const put = ({ digest, bytes }) => files.set(`blobs/sha256/${digest.slice(7)}`, bytes);
  const manifests = images.map(([name, { layers, config, manifest }, annotations]) => {
    for (const { digest, blob } of layers) put({ digest, bytes: blob });
    put(config);
    put(manifest);
    return {
      mediaType: MANIFEST_TYPE,
      digest: manifest.digest,
      size: manifest.bytes.length,
      annotations: { 'org.opencontainers.image.ref.name': name, ...annotations },
    };
  });
  return files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
}

export function writeLayout(directory, images) {
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
  for (const [path, bytes] of layoutFiles(images)) writeFileSync(join(directory, path), bytes);
}
