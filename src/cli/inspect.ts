/** `didiff inspect PATCH`. */
import type { InspectedLayer, Inspection } from '../index.ts';
import { describeBlob, describeExact } from './blob-words.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import type { Line } from './styled.ts';
import { tableLines } from './table.ts';

const EXAMPLES = `
Examples:
  didiff inspect app.didiff
  didiff inspect app.didiff --json | jq .needs`;

export const inspectCommand: CommandModule = {
  register(program, context) {
    program
      .command('inspect')
      .description('show what a patch is: base, target, layers, sizes, needs')
      .argument('<patch>', 'patch file, or - for standard input')
      .addHelpText('after', EXAMPLES)
      .action(async (path: string, _given: object, command) => {
        const { output } = context.start(command);
        const { inspectPatch, openPatch, formatPlatform } = await import('../index.ts');
        const { reader, readBytes } = await openPatch(path);
        try {
          const inspection = await inspectPatch(reader, readBytes);
          output.result(inspection, (width) =>
            describe(inspection, path, formatPlatform(inspection.target.platform), width),
          );
        } finally {
          await reader.close();
        }
      });
  },
};

function describe(patch: Inspection, path: string, platform: string, widthColumns?: number): readonly Line[] {
  const { base, target, needs } = patch;
  const lines: Line[] = [
    `${path}: ${formatBytes(patch.patchBytes)}, format ${patch.formatVersion}, by ${patch.writer}`,
    `base:     ${base.name}, of which ${base.layers.length} layers (${formatBytes(sum(base.layers))}) are read`,
    ...tableLines(
      [{}, { align: 'right' }],
      base.layers.map(({ diffId, sizeBytes }) => [diffId, formatBytes(sizeBytes)]),
    ),
    `target:   ${target.name}, ${platform}`,
    `  config   ${target.config}`,
  ];
  if (target.manifest !== undefined) lines.push(`  manifest ${target.manifest}`);
  if (target.index !== undefined) lines.push(`  index    ${target.index}`);
  for (const [position, layer] of target.layers.entries())
    lines.push(`  layer ${position}: ${describeLayer(layer)}`);
  if (patch.exactManifest === true) lines.push(`exact:    ${describeExact(needs.baseBlobs)}`);
  else if (patch.exactManifest === false) lines.push('exact:    image ID only; made with --no-blobs');
  else lines.push('exact:    image ID and layers; the target was read from a store that keeps no manifest');
  lines.push(
    `needs:    ${formatBytes(needs.memoryBytes)} of memory besides the program's own, up to ${formatBytes(needs.scratchBytes)} of scratch space, ` +
      `${formatBytes(needs.targetBytes)} for the image`,
    'bytes:',
    ...tableLines(
      [{ align: 'right' }, { gives: true }],
      Object.entries(patch.streams)
        .sort((a, b) => b[1] - a[1])
        .map(([name, bytes]) => [formatBytes(bytes), name]),
      widthColumns,
    ),
  );
  return lines;
}

function describeLayer({ from, tarBytes, patchBytes, predicted, blob }: InspectedLayer): string {
  const size = formatBytes(tarBytes);
  const executables = predicted === undefined ? '' : `, ${predicted} executables predicted`;
  const made =
    from === 'base'
      ? `${size}, the base's own`
      : from === 'blob'
        ? `${size}, carried as its blob`
        : `${size} from ${formatBytes(patchBytes)}${executables}`;
  return blob === undefined ? made : `${made}; blob ${describeBlob(blob.from, blob, from === 'base')}`;
}

function sum(layers: readonly { readonly sizeBytes: number }[]): number {
  return layers.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
