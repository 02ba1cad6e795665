package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ofTheWall are the methods of a time that look at what clocks on walls show; the others
// of a time that comes from time.Now look at its monotonic part.
var ofTheWall = []string{"Unix", "UnixMilli", "UnixMicro", "UnixNano", "Format", "AppendFormat", "UTC", "Local", "In", "Round", "Truncate",
	"Year", "YearDay", "Month", "Day", "Weekday", "Hour", "Minute", "Second", "Nanosecond", "Date", "Clock", "ISOWeek", "String", "MarshalJSON", "GoString"}

// mayAsk says who may ask the machine for its wall time, and why.
var mayAsk = map[string]string{
	"gateway/clock":             "it is what they all ask",
	"drivers/mqtt/explain.go":   "an explanation of a message at this moment, on no house",
	"cmd/hogar/run.go":          "a simulation starts today",
	"cmd/hogar/demo.go":         "an id that no other run of the demo has",
	"cmd/hogar/mqtttemplate.go": "a template is tried at this moment, on no house",
	"bridge/localbroker":        "certificates of tests",
	"cmd/torture":               "a test",
	"cmd/bench":                 "a test",
	"cmd/demomqtt":              "devices have clocks of their own",
	"cmd/dist":                  "not shipped",
	"drivers/board/vm":          "a test",
}

// TestOnlyTheClockAsksForTheTime reads all source: a time that comes from time.Now is used
// for how long something takes, and never for what time it is. That the house asks gateway/clock.
func TestOnlyTheClockAsksForTheTime(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "build" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		if mayAsk[name] != "" || mayAsk[filepath.ToSlash(filepath.Dir(name))] != "" {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, place := range asksTheWall(file) {
			t.Errorf("%s: a time of time.Now is taken for the time of the day; ask gateway/clock, or say in mayAsk why not", files.Position(place))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asksTheWall returns where a file takes time.Now for the time of the day.
func asksTheWall(file *ast.File) (places []token.Pos) {
	for _, decl := range file.Decls {
		nows := make(map[string]bool) // variables of this declaration that are set by time.Now
		ast.Inspect(decl, func(n ast.Node) bool {
			if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
				for i, value := range a.Rhs {
					if v, ok := a.Lhs[i].(*ast.Ident); ok && isNow(value) {
						nows[v.Name] = true
					}
				}
			}
			return true
		})
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				v, _ := n.X.(*ast.Ident)
				if slices.Contains(ofTheWall, n.Sel.Name) && (isNow(n.X) || v != nil && nows[v.Name]) {
					places = append(places, n.Pos())
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Timestamp" && isNow(n.Value) {
					places = append(places, n.Pos())
				}
			}
			return true
		})
	}
	return places
}

// isNow reports whether an expression is time.Now().
func isNow(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Now" {
		return false
	}
	x, ok := f.X.(*ast.Ident)
	return ok && x.Name == "time"
}

// TestTheTimeIsFound shows that the test above finds what it looks for.
func TestTheTimeIsFound(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "a.go", `package a
func a() {
	_ = time.Now().UTC()
	now := time.Now()
	_ = now.Sub(now)
	_ = now.Format("x")
	_ = b{Timestamp: time.Now()}
	_ = time.Since(now).String()
}`, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(asksTheWall(file)); n != 3 {
		t.Errorf("%d places, want 3", n)
	}
}
