import type { Activity, ActivitySeries, ActivityTotals } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useLoaded } from '../data/load.ts'
import { minutesOf, sumOf } from '../data/minutes.ts'
import type { LineKind } from '../elements/chart.tsx'
import { Chart } from '../elements/chart.tsx'
import { Loaded } from '../elements/loaded.tsx'
import type { PageName } from '../navigation/route.ts'
import { addressOf } from '../navigation/route.ts'
import { administration } from '../session/session.ts'
import { countText } from '../text/format.ts'
import { texts } from '../text/texts.ts'

const everySeconds = 10

/** How many there are of what, and what went on in the last hour; it follows by itself. */
export function ActivityView(): JSX.Element {
  const loading = useLoaded('activity', () => administration.activity.read(), { everySeconds })
  const { value } = loading
  return (
    <Loaded loading={loading}>
      {value !== undefined && (
        <>
          <Totals totals={value.totals} />
          <section>
            <h2>{texts.overview.activity}</h2>
            <div class="charts">
              <Charts activity={value} />
              <Refusals activity={value} />
            </div>
          </section>
        </>
      )}
    </Loaded>
  )
}

function Totals({ totals }: { readonly totals: ActivityTotals | undefined }): JSX.Element {
  const words = texts.overview.totals
  if (totals === undefined) return <p class="quiet">{words.counting}</p>
  const { accounts, accountsBlocked, sessionsLive, clients, followersLive } = totals
  const found = totals.anomaliesLastDay
  const { critical = 0 } = found
  const numbers: readonly (readonly [PageName, string, number, string?])[] = [
    ['accounts', words.accounts, accounts, words.blocked(accountsBlocked)],
    ['sessions', words.sessions, sessionsLive],
    ['clients', words.clients, clients],
    ['revocations', words.followers, followersLive, words.followersNote],
    ['anomalies', words.anomalies, sumOf(Object.values(found)), words.critical(critical)],
  ]
  return (
    <section aria-label={words.title}>
      <dl class="totals">
        {numbers.map(([page, name, count, note]) => (
          <div key={page}>
            <dt>
              <a href={addressOf(page)}>{name}</a>
            </dt>
            <dd>{countText(count)}</dd>
            {note !== undefined && (
              <dd class={`note ${page === 'anomalies' && critical > 0 ? 'bad' : ''}`}>{note}</dd>
            )}
          </div>
        ))}
      </dl>
    </section>
  )
}

const { charts, lines } = texts.overview
type Line = readonly [series: ActivitySeries & keyof typeof lines, kind: LineKind]
const drawn: readonly (readonly [title: string, ...lines: Line[]])[] = [
  [charts.signIns, ['sign_ins', 'usual'], ['sign_ins_refused', 'bad']],
  [charts.refreshes, ['refreshes', 'usual'], ['refreshes_refused', 'bad']],
  [charts.tokens, ['tokens_issued', 'usual'], ['refused_by_services', 'bad']],
  [charts.ends, ['sessions_ended', 'usual'], ['revocations', 'other'], ['anomalies', 'bad']],
]

function Charts({ activity }: { readonly activity: Activity }): JSX.Element {
  const { starts, sum } = minutesOf(activity)
  return (
    <>
      {drawn.map(([title, ...ofChart]) => (
        <Chart
          key={title}
          title={title}
          starts={starts}
          lines={ofChart.map(([series, kind]) => ({
            name: lines[series],
            kind,
            counts: sum(activity.series[series]),
          }))}
        />
      ))}
    </>
  )
}

const reasonsShown = 8

function Refusals({ activity }: { readonly activity: Activity }): JSX.Element {
  const { title, caption, none, columns } = texts.overview.refusals
  const reasons = Object.entries(activity.refusals)
    .map(([reason, counts]) => ({ reason, count: sumOf(counts) }))
    .filter(({ count }) => count > 0)
    .toSorted((one, other) => other.count - one.count)
    .slice(0, reasonsShown)
  const most = reasons[0]?.count ?? 1
  return (
    <section class="chart refusals">
      <h3>{title}</h3>
      {reasons.length === 0 ? (
        <p class="quiet">{none}</p>
      ) : (
        <table>
          <caption class="unseen">{caption}</caption>
          <thead class="unseen">
            <tr>
              <th scope="col">{columns.reason}</th>
              <th scope="col">{columns.count}</th>
            </tr>
          </thead>
          <tbody>
            {reasons.map(({ reason, count }) => (
              <tr key={reason}>
                <th scope="row">
                  <span title={reason}>{texts.refusals[reason] ?? reason}</span>
                  <div class="share" style={{ width: `${(count / most) * 100}%` }} />
                </th>
                <td>{countText(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
