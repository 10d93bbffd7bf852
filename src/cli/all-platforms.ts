/** What `create --all-platforms` opens, and how it tells what it made. */
import type { BundleBase, BundleInspection, BundleReport, OpenedIndex } from '../index.ts';
import { formatBytes } from './format.ts';

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

export function describeBundle(report: BundleReport, path: string): string {
  const { platforms, shared, others } = report;
  const lines = [
    `${path}: ${formatBytes(report.patchBytes)}, from ${report.base} to ${report.target}, all platforms`,
  ];
  for (const { platform, hasBase, report: own } of platforms) {
    const made = own.layers.filter(({ how }) => how !== 'base').length;
    const from = hasBase ? `${made} of ${own.layers.length} layers` : 'not in the base, so it is whole';
    const pull = own.pullBytes === undefined ? '' : `; a pull would move ${formatBytes(own.pullBytes)}`;
    lines.push(`  ${platform}: ${formatBytes(own.patchBytes)} (${from})${pull}`);
  }
  if (shared !== undefined)
    lines.push(
      `  shared by several: ${formatBytes(shared.patchBytes)} (${shared.layers} ${shared.layers === 1 ? 'layer' : 'layers'})`,
    );
  if (others.manifests > 0) {
    const what =
      others.manifests === 1
        ? '1 attestation or other manifest'
        : `${others.manifests} attestations and other manifests`;
    lines.push(`  ${what}: ${formatBytes(others.patchBytes)}`);
  }
  const isExact = platforms.every(({ report: own }) => own.exactManifest);
  lines.push(
    isExact
      ? "  the index's digest and signatures stay valid on every store that takes indexes"
      : '  without blobs: for classic engines, podman and docker-archives only, one platform at a time',
  );
  return lines.join('\n');
}

export function describeInspectedBundle(bundle: BundleInspection, path: string): string {
  const { platforms, shared, others, target } = bundle;
  const lines = [
    `${path}: ${formatBytes(bundle.patchBytes)}, format ${bundle.formatVersion}, by ${bundle.writer}, all platforms`,
    `base:     ${bundle.base}`,
    `target:   ${target.name}`,
    `  index    ${target.index}`,
  ];
  for (const { platform, patchBytes, layers, hasBase, manifest } of platforms)
    lines.push(
      `  ${platform}: ${formatBytes(patchBytes)} for ${layers} layers${hasBase ? '' : ', whole: without a base'}; manifest ${manifest}`,
    );
  if (shared !== undefined)
    lines.push(`  shared by several: ${formatBytes(shared.patchBytes)} for ${shared.layers} layers`);
  if (others.manifests > 0)
    lines.push(
      `  ${others.manifests} other manifests, attestations mostly: ${formatBytes(others.patchBytes)}`,
    );
  lines.push('--platform shows the patch for one of them.');
  return lines.join('\n');
}
