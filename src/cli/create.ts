/** `didiff create BASE TARGET PATCH`. */

import { DidiffError } from '../errors.ts';
import type { CreateReport } from '../index.ts';
import { describeBundle, openAllPlatforms } from './all-platforms.ts';
import type { CommandModule } from './command.ts';
import { describeCreated, reasonOf } from './describe-created.ts';
import { formatBytes, parseBytes } from './format.ts';
import { preferMemory } from './memory.ts';
import { assertOneChoice } from './patch-arguments.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
Examples:
  didiff create app:1.0 app:1.1 app.didiff
  didiff create oci:images:app-1.0 oci:images:app-1.1 app.didiff
  didiff create docker-archive:old.tar docker-archive:new.tar app.didiff --no-blobs
  didiff create docker://ghcr.io/org/app:1.0 docker://ghcr.io/org/app:1.1 app.didiff
  didiff create docker://ghcr.io/org/app:1.0 docker://ghcr.io/org/app:1.1 app.didiff --all-platforms`;

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
      .option(
        '--no-base-blobs',
        "don't count on receivers to have the base's compressed layers: larger where an encoder is unknown",
      )
      .addOption(
        program
          .createOption('--effort <level>', 'how hard to try, from 1 (fast) to 9 (small)')
          .choices(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
          .default('6'),
      )
      .option('--threads <count>', 'processors to use (default: all); the patch does not depend on it')
      .option('--all-platforms', 'make one file for all platforms of an index, attestations included')
      .option(
        '--memory <size>',
        'memory to use, such as 256MB (default: 190MB, and 50MB for each processor beyond two)',
      )
      .addHelpText('after', EXAMPLES)
      .action(async (baseName: string, targetName: string, path: string, given: Given, command) => {
        const { options, output, signal } = context.start(command);
        await preferMemory();
        const library = await import('../index.ts');
        assertOneChoice(library, given.allPlatforms, options.platform);
        const { tempDirectory, host } = options;
        const platform = options.platform === undefined ? undefined : library.parsePlatform(options.platform);
        await withResources(async (keep) => {
          const shared = keep(library.shareEngine({ host, signal }));
          const registry = { ...options.registry, onNotice: output.note };
          const store = { tempDirectory, shared, platform, registry, signal, onProgress: output.onProgress };
          const settings = {
            ...store,
            blobs: given.blobs,
            baseBlobs: given.baseBlobs,
            effort: Number(given.effort),
            threads: given.threads === undefined ? undefined : Number(given.threads),
            memory: given.memory === undefined ? undefined : parseMemory(given.memory),
          };
          if (given.allPlatforms) {
            const { base, index } = await openAllPlatforms(library, baseName, targetName, store, keep);
            const report = await library.createBundle(base, index, path, settings);
            for (const { platform, report: own } of report.platforms)
              for (const warning of warningsOf(own)) output.warn(`${platform}: ${warning}`);
            output.result({ patch: path, ...report }, (width) => describeBundle(report, path, width));
            return;
          }
          const base = keep(await library.openImage(baseName, store));
          const target = keep(await library.openImage(targetName, store));
          const report = await library.createPatch(base, target, path, settings);
          for (const warning of warningsOf(report)) output.warn(warning);
          output.result({ patch: path, ...report }, (width) => describeCreated(report, path, width));
        });
      });
  },
};

interface Given {
  readonly blobs: boolean;
  readonly baseBlobs: boolean;
  readonly effort: string;
  readonly threads: string | undefined;
  readonly memory?: string;
  readonly allPlatforms?: boolean;
}

function parseMemory(text: string): number {
  const bytes = parseBytes(text);
  if (!Number.isNaN(bytes)) return bytes;
  throw new DidiffError('USAGE', `there is no size ${JSON.stringify(text)}: expected one such as 256MB`);
}

/** A blob that is carried costs as much as a pull: the user is told at once, with the way out. So is an error of ours. */
function warningsOf(report: CreateReport): string[] {
  const carried = report.layers.flatMap(({ blob }, position) =>
    blob?.source === 'carried'
      ? [
          `layer ${position} is carried whole, ${formatBytes(blob.sizeBytes)}: ${reasonOf(blob.compression ?? 'none')}. ` +
            '--no-blobs leaves it out (then only classic engines, podman and docker-archives can take the patch).',
        ]
      : [],
  );
  if (report.unproved === undefined) return carried;
  return [
    ...carried,
    `the patch that was made first did not prove to be right (${report.unproved}); this one is, and larger: it was made ` +
      'without opening archives and predicting executables. That is an error in didiff: please report it.',
  ];
}
