/** What `create --all-platforms` opens, and how it tells what it made. */
import type { BundleBase, BundleInspection, BundleReport, OpenedIndex } from '../index.ts';
import { formatBytes } from './format.ts';
import type { Line } from './styled.ts';
import { sentenceLines, tableLines } from './table.ts';

type Library = typeof import('../index.ts');
type OpenOptions = Parameters<Library['openImage']>[1];
type Keep = <R extends { close(): void | Promise<void> }>(resource: R) => R;

/** The target has to be an index; the base may be one image. Throws USAGE and what opening throws. */
export async function openAllPlatforms(
  library: Library,
  baseName: string,
  targetName: string,
  options: OpenOptions,
  keep: Keep,
): Promise<{ readonly base: BundleBase; readonly index: OpenedIndex }> {
  const index = await library.findIndex(targetName, options);
  if (index === undefined) {
    throw new library.DidiffError('USAGE', `${targetName} is no index of images for several platforms`, {
      hint: 'Leave --all-platforms out, or take the target from a registry, an OCI layout or an oci-archive that has its index.',
    });
  }
  keep(index);
  const bases = await library.findIndex(baseName, options);
  if (bases !== undefined) return { base: keep(bases), index };
  const image = keep(await library.openImage(baseName, options));
  // Closed at the end, however often it is asked for.
  const open = async () => ({ ...image, close: async () => {} });
  return { base: { name: image.name, images: [{ platform: image.platform, open }] }, index };
}

export function describeBundle(report: BundleReport, path: string, widthColumns?: number): readonly Line[] {
  const { platforms, shared, others } = report;
  const rows = platforms.map(({ platform, hasBase, report: own }) => {
    const made = own.layers.filter(({ how }) => how !== 'base').length;
    const from = hasBase ? `${made} of ${own.layers.length} layers` : 'not in the base, so it is whole';
    const pull = own.pullBytes === undefined ? '' : `; a pull would move ${formatBytes(own.pullBytes)}`;
    return [formatBytes(own.patchBytes), platform, `${from}${pull}`];
  });
  const isExact = platforms.every(({ report: own }) => own.exactManifest);
  const sizes = `${formatBytes(report.patchBytes)}, from ${report.base} to ${report.target}, all platforms`;
  return [
    ...sentenceLines(`${path}: ${sizes}`, widthColumns),
    ...sentenceLines(
      isExact
        ? "the index's digest and signatures stay valid on every store that takes indexes"
        : 'without blobs: for classic engines, podman and docker-archives only, one platform at a time',
      widthColumns,
      2,
    ),
    ...partsTable([...rows, ...describeRest(shared, others)], widthColumns),
  ];
}

export function describeInspectedBundle(
  bundle: BundleInspection,
  path: string,
  widthColumns?: number,
): readonly Line[] {
  const { platforms, shared, others, target } = bundle;
  const rows = platforms.map(({ platform, patchBytes, layers, hasBase, manifest }) => [
    formatBytes(patchBytes),
    platform,
    `${layersOf(layers)}${hasBase ? '' : ', whole: without a base'}; manifest ${manifest}`,
  ]);
  const made = `format ${bundle.formatVersion}, by ${bundle.writer}, all platforms`;
  return [
    ...sentenceLines(`${path}: ${formatBytes(bundle.patchBytes)}, ${made}`, widthColumns),
    ...tableLines(
      [{}, { wraps: true }],
      [
        ['base', bundle.base],
        ['target', target.name],
        ['index', target.index],
      ],
      widthColumns,
    ),
    ...partsTable([...rows, ...describeRest(shared, others)], widthColumns),
    '--platform shows the patch for one of them.',
  ];
}

function partsTable(rows: readonly (readonly string[])[], widthColumns: number | undefined): readonly Line[] {
  return [
    [{ text: 'platforms', colour: 'bold' }],
    ...tableLines([{ align: 'right' }, {}, { wraps: true }], rows, widthColumns),
  ];
}

/** What is for several platforms, or none. */
function describeRest(
  shared: BundleReport['shared'],
  others: BundleReport['others'],
): readonly (readonly string[])[] {
  const { manifests } = others;
  return [
    ...(shared === undefined
      ? []
      : [[formatBytes(shared.patchBytes), 'several', `${layersOf(shared.layers)} that they share`]]),
    ...(manifests === 0
      ? []
      : [
          [
            formatBytes(others.patchBytes),
            'others',
            manifests === 1
              ? '1 manifest, such as an attestation'
              : `${manifests} manifests, such as attestations`,
          ],
        ]),
  ];
}

function layersOf(count: number): string {
  return `${count} ${count === 1 ? 'layer' : 'layers'}`;
}
