/** `didiff prune REPOSITORY`. */
import type { PrunedPatch, PruneResult } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
Examples:
  didiff prune ghcr.io/org/app --dry-run
  didiff prune ghcr.io/org/app --older-than 90`;

const DAY_MS = 24 * 3600 * 1000;

interface Given {
  readonly olderThan?: string;
  readonly baseGone?: boolean;
  readonly dryRun?: boolean;
}

export const pruneCommand: CommandModule = {
  register(program, context) {
    program
      .command('prune')
      .description('delete patches of a registry whose target is gone')
      .argument('<repository>', 'where the patches are: HOST/NAME')
      .option('--older-than <days>', 'also those that were pushed earlier')
      .option('--base-gone', 'also those whose base is named, and not in the repository')
      .option('--dry-run', 'show them, and delete nothing')
      .addHelpText('after', EXAMPLES)
      .action(async (text: string, given: Given, command) => {
        const { options, output, signal } = context.start(command);
        const library = await import('../index.ts');
        const name = library.parseRepositoryName(text);
        const { olderThan, baseGone = false, dryRun = false } = given;
        if (olderThan !== undefined && !/^\d{1,5}$/.test(olderThan))
          throw new library.DidiffError('USAGE', `--older-than is ${olderThan}; expected a number of days`);
        const nowMs = Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.now() / 1000) * 1000;
        const beforeMs = olderThan === undefined ? undefined : nowMs - Number(olderThan) * DAY_MS;
        await withResources(async (keep) => {
          const registry = { ...options.registry, onNotice: output.note };
          const repository = keep(library.openRepository(name, registry));
          const result = await library.prunePatches(repository, { baseGone, beforeMs, dryRun, signal });
          output.result({ repository: repository.name, dryRun, ...result }, () =>
            describe(result, repository.name, dryRun),
          );
        });
      });
  },
};

function describe({ pruned, keptPatches }: PruneResult, repository: string, dryRun: boolean): string {
  const count = `${pruned.length} of ${pruned.length + keptPatches} patches`;
  const head = `${count} in ${repository} ${dryRun ? 'would be' : 'were'} deleted`;
  return [head, ...pruned.map(describePatch)].join('\n');
}

function describePatch({ digest, description, target, reason }: PrunedPatch): string {
  return `  ${digest}: ${reason}; ${formatBytes(description.patch.sizeBytes)} from ${description.base.name} to ${target}`;
}
