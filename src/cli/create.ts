/** `didiff create BASE TARGET PATCH`. */
import type { CreateReport, LayerReport } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { preferMemory } from './memory.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
Examples:
  didiff create app:1.0 app:1.1 app.didiff
  didiff create oci:images:app-1.0 oci:images:app-1.1 app.didiff
  didiff create docker-archive:old.tar docker-archive:new.tar app.didiff --no-blobs`;

export const createCommand: CommandModule = {
  register(program, context) {
    program
      .command('create')
      .description('make a patch that turns one image into another')
      .argument('<base>', 'image that receivers have')
      .argument('<target>', 'image that they should get')
      .argument('<patch>', 'file to write')
      .option(
        '--no-blobs',
        'leave out what makes compressed layers exact: smaller where an encoder is unknown',
      )
      .addHelpText('after', EXAMPLES)
      .action(async (baseName: string, targetName: string, path: string, given: Given, command) => {
        const { options, output, signal } = context.start(command);
        await preferMemory();
        const library = await import('../index.ts');
        const { tempDirectory, host } = options;
        const platform = options.platform === undefined ? undefined : library.parsePlatform(options.platform);
        await withResources(async (keep) => {
          const shared = keep(library.shareEngine({ host, signal }));
          const store = { tempDirectory, shared, platform, signal, onProgress: output.onProgress };
          const base = keep(await library.openImage(baseName, store));
          const target = keep(await library.openImage(targetName, store));
          const report = await library.createPatch(base, target, path, { ...store, blobs: given.blobs });
          for (const warning of warningsOf(report)) output.warn(warning);
          output.result({ patch: path, ...report }, () => describe(report, path));
        });
      });
  },
};

interface Given {
  readonly blobs: boolean;
}

/** A blob that is carried costs as much as a pull: the user is told at once, with the way out. */
function warningsOf(report: CreateReport): string[] {
  return report.layers.flatMap(({ blob }, position) =>
    blob?.source === 'carried'
      ? [
          `layer ${position} is carried whole, ${formatBytes(blob.sizeBytes)}: its encoder was not recognised. ` +
            '--no-blobs leaves it out (then only classic engines, podman and docker-archives can take the patch).',
        ]
      : [],
  );
}

function describe(report: CreateReport, path: string): string {
  const lines = [`${path}: ${formatBytes(report.patchBytes)}, from ${report.base} to ${report.target}`];
  for (const [position, layer] of report.layers.entries())
    lines.push(`  layer ${position}: ${describeLayer(layer)}`);
  const { same, changed, added } = report.files;
  if (same + changed + added > 0) lines.push(`  files: ${same} the same, ${changed} changed, ${added} new`);
  if (report.pullBytes !== undefined && report.pullBytes > 0) {
    const times = report.pullBytes / report.patchBytes;
    lines.push(
      `  a pull would move ${formatBytes(report.pullBytes)}: ${times.toFixed(times < 10 ? 1 : 0)} times as much`,
    );
  }
  if (report.exactManifest === true) lines.push('  manifest digest and signatures stay valid on every store');
  if (report.exactManifest === false)
    lines.push('  without blobs: for classic engines, podman and docker-archives only');
  return lines.join('\n');
}

function describeLayer({ how, patchBytes, tarBytes, blob }: LayerReport): string {
  if (how === 'base') return `${formatBytes(tarBytes)}, the same as in the base`;
  const made =
    how === 'blob' ? 'carried as its blob' : `${formatBytes(patchBytes)} for ${formatBytes(tarBytes)}`;
  return made + describeBlob(blob);
}

function describeBlob(blob: LayerReport['blob']): string {
  if (blob?.source !== 'recipe') return '';
  const { encoder, recipeBytes = 0, correctionsBytes = 0 } = blob;
  return correctionsBytes === 0
    ? `, blob exact by ${encoder} (recipe of ${recipeBytes} bytes)`
    : `, blob exact by ${encoder} with corrections (${formatBytes(recipeBytes)})`;
}
