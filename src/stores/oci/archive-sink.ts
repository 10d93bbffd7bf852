/** Writes an OCI layout as one tar, the blobs exactly as the manifest names them. An older file is replaced whole. */
import { OCI_INDEX } from '../../image/media-types.ts';
import { type ImageSink, rootOf, type StoreOptions } from '../../image/store.ts';
import { openTarSink } from '../archive/tar-sink.ts';
import { addToIndex, assertRefName, layoutNames, namedTarget } from './index-json.ts';

/** A sink for the file at `path`; `ref` as for `openOciSink`. Published is the manifest's digest. Throws USAGE. */
export function openOciArchiveSink(path: string, ref: string | undefined, options: StoreOptions): ImageSink {
  assertRefName(ref);
  const name = `oci-archive:${path}`;
  return openTarSink(
    path,
    {
      name,
      takes: 'blob',
      takesIndexes: true,
      documents: ({ config, manifest, index, rest }) => [
        config,
        manifest,
        ...(index === undefined ? [] : [index]),
        ...(rest?.manifests ?? []),
      ],
      storedLayer: ({ blob }) => blob,
      finish(target, names) {
        const all = layoutNames(ref, names);
        return {
          files: [
            ['index.json', addToIndex(undefined, namedTarget(target), all, `${name}: ${OCI_INDEX}`)],
            ['oci-layout', new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}')],
          ],
          published: { id: rootOf(target).digest, names: all.map(({ display }) => display) },
        };
      },
    },
    options,
  );
}
