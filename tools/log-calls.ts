import type { Expression, Node, ObjectExpression } from 'oxc-parser'
import { parseSync } from 'oxc-parser'
import type { SourceFile } from './source-tree.ts'

/** Which members a source file writes into the log, by its calls of one. */
export interface LogCalls {
  readonly members: ReadonlySet<string>
  /** What they hand over that is not made in the same file, so that nothing is known of it here. */
  readonly unread: readonly string[]
}

/** `log.info(…)`, `request.log.warn(…)`, `parts.log[level](…)`, `log.child(…)`. */
const logCall = /(?:^|\.)log(?:\.(?:debug|info|warn|error|fatal|child)|\[level\])$/

/** Reads literals, and the functions and variables of the same file that hold or answer them. */
export function readLogCalls({ path, text }: SourceFile): LogCalls {
  const { program } = parseSync(path, text)
  const nodes = nodesIn(program)
  const members = new Set<string>()
  const unread: string[] = []
  const textOf = ({ start, end }: Node): string => text.slice(start, end)

  const readObject = ({ properties }: ObjectExpression): void => {
    for (const property of properties) {
      if (property.type === 'SpreadElement') read(property.argument)
      else members.add(textOf(property.key))
    }
  }
  const read = (given: Node | undefined): void => {
    if (given === undefined || given.type === 'Literal' || given.type === 'TemplateLiteral') return
    if (given.type === 'ObjectExpression') {
      readObject(given)
      return
    }
    const sources = sourcesOf(given, nodes)
    if (sources.length === 0) unread.push(textOf(given))
    for (const source of sources) read(source)
  }

  for (const node of nodes) {
    if (node.type === 'CallExpression' && logCall.test(textOf(node.callee))) read(node.arguments[0])
  }
  return { members, unread }
}

/** What a value is made of, where that is in the same file. */
function sourcesOf(given: Node, nodes: readonly Node[]): readonly Node[] {
  switch (given.type) {
    case 'ConditionalExpression':
      return [given.consequent, given.alternate]
    case 'LogicalExpression':
      return [given.right]
    case 'ParenthesizedExpression':
      return [given.expression]
    case 'Identifier':
      return nodes.flatMap((node) =>
        node.type === 'VariableDeclarator' &&
        node.id.type === 'Identifier' &&
        node.id.name === given.name
          ? (node.init ?? [])
          : [],
      )
    case 'CallExpression':
      return given.callee.type === 'Identifier' ? answersOf(given.callee.name, nodes) : []
    default:
      return []
  }
}

function answersOf(name: string, nodes: readonly Node[]): readonly Expression[] {
  const called = nodes.find((node) => node.type === 'FunctionDeclaration' && node.id?.name === name)
  return (called === undefined ? [] : nodesIn(called)).flatMap((node) =>
    node.type === 'ReturnStatement' ? (node.argument ?? []) : [],
  )
}

function nodesIn(root: object): readonly Node[] {
  const found: Node[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (isNode(value)) found.push(value)
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(root)
  return found
}

function isNode(value: object): value is Node {
  return 'type' in value && typeof value.type === 'string' && 'start' in value
}
