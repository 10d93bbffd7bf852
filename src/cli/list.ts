/** `didiff list REF`. */
import type { Offers, PatchEntry } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
Examples:
  didiff list ghcr.io/org/app:1.1
  didiff list docker://localhost:5000/app:1.1 --platform linux/arm64 --json`;

export const listCommand: CommandModule = {
  register(program, context) {
    program
      .command('list')
      .description('show which patches a registry has for an image')
      .argument('<image>', 'image in a registry: HOST/NAME:TAG')
      .addHelpText('after', EXAMPLES)
      .action(async (text: string, _given: object, command) => {
        const { options, output, signal } = context.start(command);
        const library = await import('../index.ts');
        const name = library.parseRegistryImageName(text);
        const platform = options.platform === undefined ? undefined : library.parsePlatform(options.platform);
        await withResources(async (keep) => {
          const registry = { ...options.registry, onNotice: output.note };
          const repository = keep(library.openRepository(name, registry));
          const offers = await library.listOffers(repository, name, { platform, signal });
          output.result(offers, () => describe(offers, library.formatPlatform(offers.platform)));
        });
      });
  },
};

function describe({ image, target, pullBytes, patches }: Offers, platform: string): string {
  const found = patches.length === 1 ? '1 patch leads' : `${patches.length} patches lead`;
  return [
    `${image}, ${platform}: ${target}`,
    `  all layers: ${formatBytes(pullBytes)}; ${found} to it`,
    ...patches.map(describePatch),
  ].join('\n');
}

function describePatch({ digest, description }: PatchEntry): string {
  const { base, patch, created, target } = description;
  const from = base.manifest === undefined ? base.name : `${base.name} (${base.manifest})`;
  const limits = target.hasBlobs ? '' : ', without blobs';
  return `  ${formatBytes(patch.sizeBytes)}${limits} from ${from}, ${created.slice(0, 10)}, ${digest}`;
}
