import type { InternalProcessorContext } from '../processor/internal-processor-context.ts';
import type { Processor } from '../processor/processor.ts';

/** Makes one operator a task, when the task's stores are open; so each field is set once, in the constructor. */
export type CreateOperator<KIn, VIn, KOut, VOut> = (
  context: InternalProcessorContext<KOut, VOut>,
) => Processor<KIn, VIn>;
