import { readFileSync } from 'node:fs';
import { KAFKA_POM } from '../../../../src/adapters/broker/kafka-pom.ts';
import { CURRENT_VERSION } from '../../../../src/adapters/broker/kafka-version.ts';

test('docker/kafka/pom.xml is what the launcher gives to Maven', () => {
  expect(readFileSync('docker/kafka/pom.xml', 'utf8')).toBe(KAFKA_POM);
});

test('the pom pins the version that the launcher starts by default', () => {
  expect(KAFKA_POM).toContain(`<kafka.version>${CURRENT_VERSION}</kafka.version>`);
});

test.each(['docker/compose.kafka.yml'])('%s runs the same version', (file) => {
  expect(readFileSync(file, 'utf8')).toContain(`image: apache/kafka:${CURRENT_VERSION}`);
});
