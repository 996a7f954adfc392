/**
 * What zod, valibot, arktype and others have in common: a value goes in, and comes out checked, perhaps filled in. The
 * part of the Standard Schema specification, version 1, that this library uses (standardschema.dev).
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
    /** For the type checker alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** A value, or what is wrong with it. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

export interface StandardSchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Every issue with the path to it, such as `$.lines[0].price: expected number`. */
export function describeIssues(issues: readonly StandardSchemaIssue[]): string {
  return issues.map(({ path = [], message }) => `${pathText(path)}: ${message}`).join('; ');
}

function pathText(path: NonNullable<StandardSchemaIssue['path']>): string {
  const steps = path.map((step) => {
    const key = typeof step === 'object' ? step.key : step;
    return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
  });
  return `$${steps.join('')}`;
}
