import { parser } from '@prometheus-io/lezer-promql'

/** What an expression of PromQL asks for. */
export interface PromqlFacts {
  readonly selectors: readonly PromqlSelector[]
  /** By which results are grouped or matched. */
  readonly grouping: readonly string[]
}

export interface PromqlSelector {
  readonly metric: string
  readonly matchers: readonly LabelMatcher[]
  /** The function that it stands in, such as `rate`. */
  readonly within: string | undefined
}

export interface LabelMatcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

type Node = ReturnType<typeof parser.parse>['topNode']

/** By the grammar of Prometheus. Throws for what is none. Does NOT check the types of operands: `promtool` does. */
export function readPromql(expression: string): PromqlFacts {
  const tree = parser.parse(expression)
  const selectors: PromqlSelector[] = []
  const grouping: string[] = []
  const textOf = ({ from, to }: Node): string => expression.slice(from, to)
  tree.iterate({
    enter: ({ type, node }) => {
      if (type.isError) throw new Error(`no PromQL at ${node.from}: ${expression}`)
      if (type.name === 'GroupingLabels')
        grouping.push(...node.getChildren('LabelName').map(textOf))
      if (type.name !== 'VectorSelector') return
      const name = node.getChild('Identifier')
      if (name === null) throw new Error(`a selector without a metric: ${textOf(node)}`)
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
      selectors.push({
        metric: textOf(name),
        matchers: matchers.map((matcher) => matcherOf(matcher, textOf)),
        within: functionAround(node, textOf),
      })
    },
  })
  return { selectors, grouping }
}

function matcherOf(matcher: Node, textOf: (node: Node) => string): LabelMatcher {
  const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((name) => {
    const part = matcher.getChild(name)
    if (part === null) throw new Error(`a matcher without ${name}: ${textOf(matcher)}`)
    return textOf(part)
  })
  return { label: label ?? '', operator: operator ?? '', value: value?.slice(1, -1) ?? '' }
}

function functionAround(selector: Node, textOf: (node: Node) => string): string | undefined {
  for (let node = selector.parent; node !== null; node = node.parent) {
    if (node.name === 'AggregateExpr') return undefined
    const called = node.name === 'FunctionCall' ? node.getChild('FunctionIdentifier') : null
    if (called !== null) return textOf(called)
  }
  return undefined
}
