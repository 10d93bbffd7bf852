/** `didiff mirror IMAGE DEST`. */
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
Examples:
  didiff mirror ghcr.io/org/app:1.1 localhost:5000/app
  didiff mirror ghcr.io/org/app:1.1 localhost:5000/app:stable`;

export const mirrorCommand: CommandModule = {
  register(program, context) {
    program
      .command('mirror')
      .description('copy an image of a registry, with its patches, to another repository')
      .argument('<image>', 'image in a registry: HOST/NAME:TAG')
      .argument('<dest>', 'where it goes: HOST/NAME, with the same tag, or HOST/NAME:TAG')
      .addHelpText('after', EXAMPLES)
      .action(async (text: string, destination: string, _given: object, command) => {
        const { options, output, signal } = context.start(command);
        const library = await import('../index.ts');
        const from = library.parseRegistryImageName(text);
        const to = library.parseMirrorName(destination, from);
        await withResources(async (keep) => {
          const registry = { ...options.registry, onNotice: output.note };
          const source = keep(library.openRepository(from, registry));
          const target = keep(library.openRepository(to, registry));
          const { tempDirectory } = options;
          const store = { tempDirectory, signal, onProgress: output.onProgress };
          const reference = from.digest ?? from.tag ?? 'latest';
          const result = await library.mirrorImage(source, reference, target, to.tag, store);
          output.result({ image: text, repository: target.name, tag: to.tag, ...result }, () => {
            const count = result.patches.length;
            const patches = count === 1 ? '1 patch' : `${count} patches`;
            return `${result.digest} is in ${target.name} with ${patches}; ${formatBytes(result.sentBytes)} were sent`;
          });
        });
      });
  },
};
