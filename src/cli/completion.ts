/** `didiff completion SHELL`: prints a script that completes commands, options, files and images in a shell. */
import { Argument } from 'commander';
import type { CommandModule } from './command.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const EXAMPLES = `
Examples:
  source <(didiff completion bash)                                       for this bash
  didiff completion bash > /etc/bash_completion.d/didiff                 for every bash
  didiff completion zsh > "\${fpath[1]}/_didiff"                          for every zsh
  didiff completion fish > ~/.config/fish/completions/didiff.fish        for every fish`;

export const completionCommand: CommandModule = {
  register(program, context) {
    program
      .command('completion')
      .description('print the completion script of a shell')
      .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
      .addHelpText('after', EXAMPLES)
      .action(async (shell: Shell, _options, command) => {
        const { output } = context.start(command);
        const [{ readCompletionTree }, makeScript] = await Promise.all([
          import('./completion-tree.ts'),
          loadScript(shell),
        ]);
        const script = makeScript(readCompletionTree(program));
        output.result({ shell, script }, () => script.trimEnd());
      });
  },
};

async function loadScript(shell: Shell) {
  switch (shell) {
    case 'bash':
      return (await import('./completion-bash.ts')).bashScript;
    case 'zsh':
      return (await import('./completion-zsh.ts')).zshScript;
    case 'fish':
      return (await import('./completion-fish.ts')).fishScript;
  }
}
