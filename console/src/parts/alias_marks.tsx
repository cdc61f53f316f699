/** The names that point at a version: those that the service gives have words, others are as a person chose them. */
import { wordFor } from "../i18n";

export function AliasMarks({ aliases }: { aliases: string[] }) {
  return (
    <>
      {aliases.map((alias) => (
        <span class="mark alias" key={alias} title={alias}>
          {wordFor("alias", alias)}
        </span>
      ))}
    </>
  );
}
