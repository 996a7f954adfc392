import type { JavaRuntime } from './java-runtime.ts';
import type { ToolResult } from './kafka-broker.ts';
import type { KafkaJars } from './kafka-jars.ts';
import { toolArguments, toolClass } from './kafka-tools.ts';
import { runCommand, type RunCommandOptions } from './run-command.ts';

const JVM_OPTIONS = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** Runs Kafka's command-line tools from the jars. */
export class JavaTools {
  readonly runtime: JavaRuntime;
  readonly jars: KafkaJars;

  constructor(runtime: JavaRuntime, jars: KafkaJars) {
    this.runtime = runtime;
    this.jars = jars;
  }

  run(
    name: string,
    args: readonly string[],
    options: Omit<RunCommandOptions, 'what'>,
  ): Promise<ToolResult> {
    const { version, classPath, log4jFile } = this.jars;
    const logging = `-Dlog4j2.configurationFile=${log4jFile}`;
    const main = [logging, '-cp', classPath, toolClass(name, version)];
    return runCommand(this.runtime.java, [...JVM_OPTIONS, ...main, ...args], {
      ...options,
      what: name,
    });
  }

  /** The same against a cluster. */
  runOn(
    brokers: string,
    name: string,
    args: readonly string[],
    options: Omit<RunCommandOptions, 'what'>,
  ): Promise<ToolResult> {
    return this.run(name, toolArguments(name, args, brokers), options);
  }
}
