import type { JSX } from "preact";
import { listFolder, readPiece } from "../../api/artifacts.ts";
import type { Piece } from "../../api/artifacts.ts";
import type { Run } from "../../api/runs.ts";
import { LogText } from "../../lib/log_text.ts";
import { Section } from "../../parts/basics.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { address, runRoute } from "../../state/place.ts";
import { useAgain } from "./data.ts";

/** Where Anemoi keeps what it said on the terminal. */
const LOG = "terminal_log.txt";
const TAIL_BYTES = 8_192;
const TAIL_LINES = 20;
/** A top folder that has more pages than this is not read to its end for the sake of a few lines. */
const MOST_PAGES = 4;

/** The last lines that the run wrote on its terminal, if that was kept. */
export function LogTail({ run, round }: { run: Run; round: number }): JSX.Element | null {
  const { run_id: id, experiment_id: experiment } = run.info;
  const asked = useAsk(id, (signal) => readTail(id, signal));
  useAgain(asked, round);
  const lines = asked.answer;
  if (lines === null || (lines === undefined && !asked.failure)) return null;
  const all = <a href={address(runRoute(experiment, id, "artifacts", LOG))}>All of it</a>;
  return (
    <Section title="Last lines of the log" aside={all}>
      <Answered asked={asked} what="The log">
        {(shown) => (
          <pre class="log-tail" tabIndex={0} role="group" aria-label="The lines">
            {shown?.join("\n")}
          </pre>
        )}
      </Answered>
    </Section>
  );
}

/** Null where there is no log, or nothing in it. */
async function readTail(id: string, signal: AbortSignal): Promise<readonly string[] | null> {
  let token: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const folder = await listFolder(id, "", token, signal);
    const entry = folder.files.find(({ name, is_dir: isFolder }) => name === LOG && !isFolder);
    if (entry !== undefined) return entry.size_bytes === 0 ? null : tail(await readPiece(id, LOG, { last: TAIL_BYTES }, signal));
    token = folder.next_page_token;
    if (token === undefined) break;
  }
  return null;
}

function tail({ bytes, from }: Piece): readonly string[] {
  const text = new LogText(from > 0);
  text.add(bytes);
  return text.lines().slice(-TAIL_LINES).map((line) => line.text);
}
