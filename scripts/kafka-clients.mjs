import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

/** The release whose message schemas and Java classes `src/wire` is generated from and checked against. */
export const KAFKA_VERSION = '4.3.1';
const SLF4J_VERSION = '1.7.36';

const CACHE = new URL('../.cache/kafka-clients', import.meta.url).pathname;
const MAVEN_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';

/** Paths of the kafka-clients jar and of what its classes need, fetched once with Maven. */
export function kafkaClientsJars() {
  mkdirSync(CACHE, { recursive: true });
  return [
    jar('org.apache.kafka', 'kafka-clients', KAFKA_VERSION),
    jar('org.slf4j', 'slf4j-api', SLF4J_VERSION),
  ];
}

function jar(group, artifact, version) {
  const path = join(CACHE, `${artifact}-${version}.jar`);
  if (existsSync(path)) return path;
  const coordinates = `${group}:${artifact}:${version}`;
  execFileSync(
    'mvn',
    ['-q', '-B', MAVEN_GOAL, `-Dartifact=${coordinates}`, `-DoutputDirectory=${CACHE}`],
    { stdio: 'inherit' },
  );
  return path;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DEFLATED = 8;

/** Text of every entry of a jar whose name passes, by name. Enough of the zip format for jars: no zip64, no encryption. */
export function readJarEntries(path, wanted) {
  const bytes = readFileSync(path);
  let end = bytes.length - 22;
  while (bytes.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  const entries = new Map();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    if (bytes.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`${path} is not a whole jar`);
    const method = bytes.readUInt16LE(at + 10);
    const size = bytes.readUInt32LE(at + 20);
    const nameBytes = bytes.readUInt16LE(at + 28);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes);
    if (wanted(name)) {
      const header = bytes.readUInt32LE(at + 42);
      const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
      const data = bytes.subarray(start, start + size);
      entries.set(name, (method === DEFLATED ? inflateRawSync(data) : data).toString('utf8'));
    }
    at += 46 + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return entries;
}
