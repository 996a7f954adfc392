/** W0 pass-through, W1 and W1j shuffle-count (bytes, JSON), W2 windows, W6 a table that is filled and restored. */
export const WORKLOADS = ['W0', 'W1', 'W1j', 'W2', 'W6'] as const;
export type Workload = (typeof WORKLOADS)[number];

export function isWorkload(text: string): text is Workload {
  return WORKLOADS.some((workload) => workload === text);
}

export const PARTITIONS = 4;
/** 2024-01-01T00:00:00Z, a whole minute: where event time begins. */
export const START_MS = 1_704_067_200_000;
export const WINDOW_MS = 60_000;
/** W1: of so many rules, those below `ROUTED_RULES` are counted. */
export const RULES = 5000;
export const ROUTED_RULES = 1000;
/** W1: a group is given out when it has so many records. */
export const GROUP_SIZE = 10;
/** W2: seconds of event time, one record of each sensor in each. */
export const SECONDS = 500;

/** `n` at a scale, at least 1. */
export function scaled(n: number, scale: number): number {
  return Math.max(1, Math.round(n * scale));
}

export const inputTopic = (workload: Workload): string => `${workload.toLowerCase()}-in`;
export const outputTopic = (applicationId: string): string => `${applicationId}-out`;
export const liveTopic = (applicationId: string): string => `${applicationId}-live`;

/** The changelog whose last values belong to the result, beside the output. */
export function checkedChangelog(workload: Workload, applicationId: string): string | null {
  if (workload === 'W1' || workload === 'W1j') return `${applicationId}-w1-changelog`;
  return workload === 'W6' ? `${applicationId}-w6-changelog` : null;
}

/** Configs of the input topics beyond those of all benchmark topics. */
export function inputConfig(workload: Workload): Readonly<Record<string, string>> {
  return workload === 'W1' || workload === 'W1j'
    ? { 'message.timestamp.type': 'LogAppendTime' }
    : {};
}
