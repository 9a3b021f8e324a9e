import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { giveRole, listAccounts, takeRole } from "../../api/admin.ts";
import type { Account } from "../../api/admin.ts";
import { Icon, Name, Time } from "../../parts/basics.tsx";
import { Menu, MenuItem } from "../../parts/menu.tsx";
import { attempt, notify } from "../../parts/notice.tsx";
import { Answered } from "../../parts/states.tsx";
import { useAsk } from "../../state/ask.ts";
import { session } from "../../state/session.ts";
import { Table } from "./table.tsx";
import { AccountDialog, AddDialog, PasswordDialog, RemoveDialog } from "./user_dialogs.tsx";

const KINDS: Readonly<Record<Account["kind"], string>> = { person: "Person", service: "Program", group: "Group", class: "" };

type Opened = { what: "add" } | { what: "change" | "password" | "remove"; account: Account };

/** All accounts, and what an administrator does to them. */
export function Users(): JSX.Element {
  const asked = useAsk("users", listAccounts);
  const [opened, open] = useState<Opened>();
  const close = (): void => open(undefined);
  const done = (words: string): void => {
    asked.again();
    notify(words);
  };
  return (
    <>
      <div class="screen-head">
        <p class="hint">Whoever has an account may sign in; what they may do follows from their roles.</p>
        <div class="screen-tools">
          <button type="button" onClick={() => open({ what: "add" })}>
            <Icon name="plus" /> Add an account
          </button>
        </div>
      </div>
      <Answered asked={asked} what="The accounts">
        {(all) => (
          <Table
            name="Accounts"
            heads={["Name", "Shown as", "Kind", "Everywhere", "Signs in by", "Made"]}
            act="Actions"
            lines={all.filter(({ kind }) => kind !== "class")}
          >
            {(account) => (
              <tr key={account.name}>
                <th scope="row">
                  <Name text={account.name} />
                  {account.name === session.value?.user?.name && <span class="hint"> you</span>}
                </th>
                <td>
                  <Name text={account.display_name} />
                </td>
                <td>{KINDS[account.kind]}</td>
                <td>{account.site_role}</td>
                <td>{waysIn(account)}</td>
                <td>
                  <Time ms={account.created_ms} />
                </td>
                <td>
                  <RowMenu account={account} open={open} done={done} again={asked.again} />
                </td>
              </tr>
            )}
          </Table>
        )}
      </Answered>
      {opened?.what === "add" && <AddDialog close={close} added={asked.again} />}
      {opened?.what === "change" && <AccountDialog account={opened.account} close={close} done={done} />}
      {opened?.what === "password" && <PasswordDialog account={opened.account} close={close} />}
      {opened?.what === "remove" && <RemoveDialog account={opened.account} close={close} done={done} />}
    </>
  );
}

function waysIn({ kind, has_password: hasPassword }: Account): string {
  if (kind === "person") return hasPassword ? "password" : "proxy, socket or tokens";
  return kind === "service" ? "tokens" : "socket";
}

function RowMenu({
  account,
  open,
  done,
  again,
}: {
  account: Account;
  open: (opened: Opened) => void;
  done: (words: string) => void;
  again: () => void;
}): JSX.Element {
  const { name } = account;
  const isAdmin = account.site_role === "admin";
  const changeRole = (): Promise<void> =>
    attempt("The change", async () => {
      // Where it was refused, the table says what is so now.
      await (isAdmin ? takeRole(name, null) : giveRole(name, "admin", null)).finally(again);
      done(`${name} is ${isAdmin ? "no longer" : "now"} an administrator.`);
    });
  return (
    <Menu quiet align="end" name={`Actions for ${name}`} label={<Icon name="menu" />}>
      {(close) => {
        const item = (words: string, act: () => void): JSX.Element => (
          <MenuItem close={close} act={act}>
            {words}
          </MenuItem>
        );
        return (
          <>
            {item("Change name and mail…", () => open({ what: "change", account }))}
            {account.kind === "person" && item("New password…", () => open({ what: "password", account }))}
            {item(isAdmin ? "No longer administrator" : "Make administrator", () => void changeRole())}
            {item("Remove…", () => open({ what: "remove", account }))}
          </>
        );
      }}
    </Menu>
  );
}
