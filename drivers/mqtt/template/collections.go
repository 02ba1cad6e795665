package template

// brackets reads (a), or (a, b), which is a list.
func (p *parser) brackets() (node, error) {
	if p.take(")") {
		return list{}, nil
	}
	n, err := p.expression()
	if err != nil || p.take(")") {
		return n, err
	}
	if err := p.need(","); err != nil {
		return nil, err
	}
	items, err := p.list(")")
	return list{append([]node{n}, items...)}, err
}

// list reads expressions with commas up to the closing bracket.
func (p *parser) list(closing string) ([]node, error) {
	var items []node
	for !p.take(closing) {
		if len(items) > 0 {
			if err := p.need(","); err != nil {
				return nil, err
			}
			if p.take(closing) {
				break
			}
		}
		n, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, n)
	}
	return items, nil
}

func (p *parser) dictionary() (node, error) {
	var d dictionary
	for !p.take("}") {
		if len(d.keys) > 0 {
			if err := p.need(","); err != nil {
				return nil, err
			}
			if p.take("}") {
				break
			}
		}
		key, err := p.expression()
		if err == nil {
			err = p.need(":")
		}
		if err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, v)
	}
	return d, nil
}
