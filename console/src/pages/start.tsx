/** Start: the languages there are, what runs now, and what to do first where there is nothing yet. */
import { useEffect, useRef } from "preact/hooks";
import { everyItem, get } from "../api/client";
import type { Job, Language, Page as Items } from "../api/types";
import { day, languageName, plural, t } from "../i18n";
import { Accuracy } from "../parts/accuracy";
import { JobLine } from "../parts/job_line";
import { Link } from "../parts/link";
import { useLoad } from "../parts/load";
import { Page } from "../parts/page";
import { Refusal } from "../parts/refusal";
import { hasStarter, ownLanguages } from "../parts/who";

const EVERY_MS = 4000;
const A_DAY_MS = 24 * 60 * 60 * 1000;

async function underWay(signal: AbortSignal): Promise<Job[]> {
  const lists = await Promise.all(["running", "queued"].map((status) => get<Items<Job>>("jobs", { status, limit: 10 }, signal)));
  return lists.flatMap((list) => list.items);
}

/** Jobs that failed lately: whoever left the page while one ran finds out here. */
async function failedLately(signal: AbortSignal): Promise<Job[]> {
  const { items } = await get<Items<Job>>("jobs", { status: "failed", limit: 5 }, signal);
  return items.filter((job) => Date.now() - Date.parse(job.finished_at ?? job.created_at) < A_DAY_MS);
}

/** Call `told` when a job has ended that was under way. */
function useEnd(jobs: Job[] | null, told: () => void): void {
  const before = useRef<Job[]>([]);
  useEffect(() => {
    if (!jobs) return;
    if (before.current.some(({ id }) => jobs.every((job) => job.id !== id))) told();
    before.current = jobs;
  }, [jobs]);
}

export function Start() {
  const found = useLoad(() => everyItem<Language>("languages"), []);
  const jobs = useLoad(underWay, [], { everyMs: EVERY_MS });
  const failed = useLoad(failedLately, []);
  useEnd(jobs.data, () => (found.again(), failed.again()));
  const own = ownLanguages(found.data ?? []);
  return (
    <Page title={t("start.title")} lead={found.data && own.length === 0 ? t("start.lead_empty") : t("start.lead")}>
      <Refusal error={found.error} />
      {!found.data && !found.error && <p role="status">{t("loading")}</p>}
      {found.data && own.length === 0 && <FirstSteps starter={hasStarter(found.data)} />}
      {jobs.data && jobs.data.length > 0 && <Jobs id="now" title={t("start.now")} jobs={jobs.data} />}
      {failed.data && failed.data.length > 0 && <Jobs id="failed" title={t("start.failed")} jobs={failed.data} />}
      {found.data && own.length > 0 && <Languages all={found.data} own={own} />}
    </Page>
  );
}

function FirstSteps({ starter }: { starter: boolean }) {
  return (
    <section aria-labelledby="first">
      <h2 id="first">{t("first.title")}</h2>
      <ol class="steps">
        <li>
          <h3>{t("first.pairs.title")}</h3>
          <p>{t("first.pairs.words")}</p>
          <Example />
        </li>
        <li>
          <h3>{t("first.train.title")}</h3>
          <p>{t("first.train.words")}</p>
          <p>
            <Link to="new" class="button">
              {t("nav.new")}
            </Link>
          </p>
        </li>
        <li>
          <h3>{t("first.use.title")}</h3>
          <p>{t("first.use.words")}</p>
          {starter && (
            <p>
              {t("first.starter")} <Link to="try">{t("nav.try")}</Link>
            </p>
          )}
        </li>
      </ol>
    </section>
  );
}

/** What a file looks like; the sentences are Swahili in every language of the console. */
function Example() {
  const rows = [
    ["Mtoto anasoma kitabu shuleni.", "Mtoto yuko shuleni.", t("first.label.entailment")],
    ["Mtoto anasoma kitabu shuleni.", "Kitabu ni kipya.", t("first.label.neutral")],
    ["Mtoto anasoma kitabu shuleni.", "Mtoto amelala nyumbani.", t("first.label.contradiction")],
  ];
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={t("first.example")}>
      <table>
        <caption>{t("first.example")}</caption>
        <thead>
          <tr>
            {(["premise", "hypothesis", "label"] as const).map((name) => (
              <th scope="col" key={name}>
                {t(`first.column.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([premise, hypothesis, label]) => (
            <tr key={hypothesis}>
              <td lang="sw">{premise}</td>
              <td lang="sw">{hypothesis}</td>
              <td>{label}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Jobs({ id, title, jobs }: { id: string; title: string; jobs: Job[] }) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <ul class="lines">
        {jobs.map((job) => (
          <JobLine key={job.id} job={job} />
        ))}
      </ul>
    </section>
  );
}

function Languages({ all, own }: { all: Language[]; own: Language[] }) {
  return (
    <section aria-labelledby="languages">
      <h2 id="languages">{t("start.languages")}</h2>
      <ul class="cards">
        {own.map((each) => (
          <Card key={each.lang} language={each} />
        ))}
      </ul>
      {hasStarter(all) && <p class="fine">{t("start.starter")}</p>}
    </section>
  );
}

function Card({ language }: { language: Language }) {
  const { answering } = language;
  const name = languageName(language.lang, language.name);
  return (
    <li class="card">
      <h3>
        {answering ? <Link to={`classifiers/${answering.adapter}`}>{name}</Link> : name} <code>{language.lang}</code>
      </h3>
      {answering && answering.accuracy !== null ? (
        <Accuracy accuracy={answering.accuracy} interval={answering.interval} guessing={answering.guessing} />
      ) : (
        <p class="fine">{t("start.unmeasured")}</p>
      )}
      {answering?.beats_guessing === false && <p class="fine">{t("start.no_better")}</p>}
      <p class="fine">
        {answering && t("start.answers", { version: String(answering.version) })}
        {answering && ` · ${t("start.since", { day: day(answering.since) })} · `}
        {plural("start.versions", language.versions.length)}
      </p>
      <p>
        <Link to={`try?lang=${encodeURIComponent(language.lang)}`}>{t("nav.try")}</Link>
      </p>
    </li>
  );
}
