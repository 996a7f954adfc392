import type { Admin } from '../client/admin.ts';
import { hasPatterns, matchingTopics, resolvePatterns } from '../topology/resolve-patterns.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';

export interface SubscribedPlanOptions {
  /** As the topology gives it: its patterns have no topics yet. */
  readonly plan: TopologyPlan;
  readonly admin: Pick<Admin, 'listTopics'>;
  /** A topic that the application makes itself is not meant by a pattern. */
  readonly isOwn: (topic: string) => boolean;
}

/**
 * The plan with the topics that its patterns match, as of the last look at the cluster. Without patterns it is the plan
 * itself, and nobody has to be asked.
 *
 * Errors: `STREAMS_TOPOLOGY` for a topic that two patterns match; those of `Admin.listTopics`.
 */
export class SubscribedPlan {
  readonly #options: SubscribedPlanOptions;
  readonly #hasPatterns: boolean;
  #resolved: TopologyPlan;
  #matching: readonly string[] = [];

  constructor(options: SubscribedPlanOptions) {
    this.#options = options;
    this.#hasPatterns = hasPatterns(options.plan);
    this.#resolved = options.plan;
  }

  get plan(): TopologyPlan {
    return this.#resolved;
  }

  async refresh(): Promise<void> {
    if (!this.#hasPatterns) return;
    this.#matching = await this.#look();
    this.#resolved = resolvePatterns(this.#options.plan, this.#matching);
  }

  /** What a refresh would change, in words; null for nothing. */
  async change(): Promise<string | null> {
    if (!this.#hasPatterns) return null;
    const now = await this.#look();
    const fresh = now.find((topic) => !this.#matching.includes(topic));
    if (fresh !== undefined) return `a pattern matches the new topic ${fresh}`;
    const gone = this.#matching.find((topic) => !now.includes(topic));
    return gone === undefined ? null : `the topic ${gone}, which a pattern matched, is gone`;
  }

  async #look(): Promise<readonly string[]> {
    const { plan, admin, isOwn } = this.#options;
    const topics = await admin.listTopics();
    return matchingTopics(
      plan,
      topics.filter((topic) => !isOwn(topic)),
    );
  }
}
