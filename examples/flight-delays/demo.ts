import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka, type KafkaBroker } from 'millrace/testing';
import { AppProcess } from './app-process.ts';
import { arrivalOrder } from './arrivals.ts';
import { Cluster, PARTITIONS } from './cluster.ts';
import { readAirports, readFlights, type AirportRow, type Flights } from './data.ts';
import { expectedDays } from './expected.ts';
import { judge } from './judge.ts';
import { loadAirports, loadFlights, partitionOf } from './load.ts';
import { ProgressBar, whole } from './progress.ts';
import { report } from './report.ts';
import { runStrict } from './strict-run.ts';
import { until } from './wait.ts';
import { finalValues } from './final-values.ts';

