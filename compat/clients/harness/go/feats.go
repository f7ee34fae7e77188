// Package feats is what every Go client's program shares: feats by name, a deadline for each, one JSON line for
// each on standard output. Arguments: the broker's host:port, a prefix for names, the feats separated by commas.
package feats

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	timeout = 45 * time.Second
	atOnce  = 3
)

// Run is one feat's own names, the broker's address and the deadline.
type Run struct {
	context.Context
	Bootstrap string
	prefix    string
}

// Name makes a topic's or a group's name that nobody else has.
func (r *Run) Name(part string) string { return r.prefix + "-" + part }

// Feat panics when what it sees is not what it must see.
type Feat func(*Run)

// Main runs what was asked for, a few at once, and ends the process whatever goroutines are left.
func Main(all map[string]Feat) {
	slots := make(chan struct{}, atOnce)
	var output sync.Mutex
	var running sync.WaitGroup
	for _, name := range strings.Split(os.Args[3], ",") {
		feat, known := all[name]
		if !known {
			continue
		}
		running.Add(1)
		slots <- struct{}{}
		go func() {
			defer running.Done()
			began := time.Now()
			wrong := attempt(feat, os.Args[1], os.Args[2]+"-"+name)
			line, _ := json.Marshal(map[string]any{
				"feat": name, "ok": wrong == "", "detail": wrong, "seconds": time.Since(began).Seconds(),
			})
			output.Lock()
			fmt.Println(string(line))
			output.Unlock()
			<-slots
		}()
	}
	running.Wait()
	os.Exit(0)
}

func attempt(feat Feat, bootstrap, prefix string) string {
	deadline, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	done := make(chan string, 1)
	go func() {
		defer func() {
			if wrong := recover(); wrong != nil {
				done <- fmt.Sprint(wrong) + place()
			}
		}()
		feat(&Run{deadline, bootstrap, prefix})
		done <- ""
	}()
	select {
	case wrong := <-done:
		return wrong
	case <-deadline.Done():
		return fmt.Sprintf("not done after %v", timeout)
	}
}

// place is the innermost line of the program itself that panicked.
func place() string {
	callers := make([]uintptr, 40)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "main.") {
			return fmt.Sprintf(" (%s:%d)", frame.File[strings.LastIndex(frame.File, "/")+1:], frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// Must gives a call's value; its error ends the feat.
func Must[T any](value T, err error) T {
	OK(err)
	return value
}

// OK ends the feat with an error.
func OK(err error) {
	if err != nil {
		panic(err)
	}
}

// Check ends the feat unless something holds.
func Check(holds bool, otherwise string, values ...any) {
	if !holds {
		panic(fmt.Sprintf(otherwise, values...))
	}
}

// Equal ends the feat when something else than expected was found.
func Equal(expected, found any) {
	Check(reflect.DeepEqual(expected, found), "expected %v, found %v", expected, found)
}

// Await waits until something that others bring about; the feat's deadline bounds it.
func Await(r *Run, holds func() bool) {
	for !holds() {
		OK(r.Err())
		time.Sleep(20 * time.Millisecond)
	}
}
