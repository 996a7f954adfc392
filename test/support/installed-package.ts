import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const REPOSITORY = path.join(__dirname, '..', '..');

/** A project of a user's, in a folder of its own, with the packed package installed as npm does it. */
export class InstalledPackage implements Disposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static create(): InstalledPackage {
    const temporary = mkdtempSync(path.join(os.tmpdir(), 'millrace-package-'));
    const project = new InstalledPackage(path.join(temporary, 'project'));
    mkdirSync(project.folder);
    const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', temporary];
    execute(REPOSITORY, 'npm', pack);
    const tarball = readdirSync(temporary).find((name) => name.endsWith('.tgz')) ?? '';
    project.write('package.json', '{ "name": "project", "private": true }');
    const install = ['install', '--prefer-offline', '--no-save', path.join(temporary, tarball)];
    execute(project.folder, 'npm', install);
    return project;
  }

  write(name: string, text: string): void {
    writeFileSync(path.join(this.folder, name), text);
  }

  /** Runs Node in the project; what it printed. What it printed to stderr is in the error when it fails. */
  node(...args: readonly string[]): string {
    return execute(this.folder, process.execPath, args);
  }

  /** The same for a tool of the repository, such as `typescript/bin/tsc`, which users have in their own projects. */
  tool(file: string, ...args: readonly string[]): string {
    return this.node(path.join(REPOSITORY, 'node_modules', file), ...args);
  }

  /** Type-checks files of the project as its own compiler would, strictly; what the compiler says, so '' if all is well. */
  compile(...files: readonly string[]): string {
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2023',
      noEmit: true,
      allowImportingTsExtensions: true,
      types: ['node'],
      typeRoots: [path.join(REPOSITORY, 'node_modules', '@types')],
    };
    this.write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
    try {
      return this.tool('typescript/bin/tsc', '-p', 'tsconfig.json');
    } catch (error) {
      return (error as { stdout: string }).stdout; // execFileSync adds it, and tsc writes its findings there
    }
  }

  [Symbol.dispose](): void {
    rmSync(path.dirname(this.folder), { recursive: true, force: true });
  }
}

function execute(cwd: string, command: string, args: readonly string[]): string {
  // The jest that runs this leaves marks in the environment, by which another jest or Node would behave differently.
  const env = { ...process.env, NODE_OPTIONS: '', JEST_WORKER_ID: undefined, NODE_ENV: undefined };
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
}
