/**
 * Writes test/golden/wire with Kafka's own Java classes: `npm run generate:golden`. Needs Java 17 and, once, Maven. Running it
 * again changes nothing; after a change of the Kafka version the differences are what that version changed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaClientsJars } from './kafka-clients.mjs';
import { APIS, SCHEMAS } from './wire-versions.mjs';

const PROGRAM = fileURLToPath(new URL('../test/golden/java/Golden.java', import.meta.url));
const TARGET = fileURLToPath(new URL('../test/golden/wire/', import.meta.url));

const messages = [
  ...Object.entries(APIS).flatMap(([name, versions]) => [
    [`${name}Request`, versions],
    [`${name}Response`, versions],
  ]),
  ...Object.entries(SCHEMAS),
].map(([name, [lo, hi]]) => `${name}:${lo}-${hi}`);

mkdirSync(TARGET, { recursive: true });
for (const file of readdirSync(TARGET)) rmSync(TARGET + file);
const classpath = kafkaClientsJars().join(delimiter);
execFileSync('java', ['-cp', classpath, PROGRAM, TARGET, ...messages], { stdio: 'inherit' });
