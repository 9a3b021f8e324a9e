import { deleteExperiment, restoreExperiment } from "../../api/experiments.ts";
import type { Experiment } from "../../api/experiments.ts";
import { attempt, notify } from "../../parts/notice.tsx";

/** Moves an experiment to the trash; for a while that can be undone. `again` asks for the table anew. */
export function moveToTrash({ experiment_id: id, name }: Experiment, again: () => void): Promise<void> {
  return attempt("Deleting", async () => {
    await deleteExperiment(id);
    again();
    notify(`Moved ${name} to the trash.`, async () => {
      await restoreExperiment(id);
      again();
    });
  });
}
