const SHOWN = 5;

/** What is wrong. One subject, such as an output partition, shows its first findings and counts the others. */
export class Findings {
  readonly #bySubject = new Map<string, string[]>();
  #checked = 0;

  add(subject: string, finding: string): void {
    const known = this.#bySubject.get(subject);
    if (known === undefined) this.#bySubject.set(subject, [finding]);
    else known.push(finding);
  }

  /** Something was compared: a judge that compares nothing finds nothing. */
  checked(count = 1): void {
    this.#checked += count;
  }

  get checkedCount(): number {
    return this.#checked;
  }

  get isEmpty(): boolean {
    return this.#bySubject.size === 0;
  }

  lines(): readonly string[] {
    return [...this.#bySubject].flatMap(([subject, findings]) => [
      ...findings.slice(0, SHOWN).map((finding) => `${subject}: ${finding}`),
      ...(findings.length > SHOWN ? [`${subject}: and ${findings.length - SHOWN} more`] : []),
    ]);
  }
}
